//! Nanoseconds for each element of the main elementwise loops on one core, tile by tile.
//!
//! `OXIDASK_SIMD=avx2` and `OXIDASK_SIMD=base` show the versions for older processors.

#![expect(clippy::print_stdout, reason = "an example that prints")]
#![expect(unsafe_code, reason = "calls loops over raw memory")]

use std::time::Instant;

use oxidask_kernel::dtype::DType;
use oxidask_kernel::kernel::cast::cast_loop;
use oxidask_kernel::kernel::ufunc::{LoopFn, Operand, Ufunc, find, resolve};

/// Elements of a tile.
const TILE: usize = 4096;
const RUNS: usize = 2000;

type Memory = Vec<u128>;

fn rate(function: LoopFn, args: &[&Memory], outs: &mut [Memory]) -> f64 {
    let args: Vec<*const u8> = args.iter().map(|memory| memory.as_ptr().cast()).collect();
    let outs: Vec<*mut u8> = outs.iter_mut().map(|memory| memory.as_mut_ptr().cast()).collect();
    let start = Instant::now();
    for _ in 0..RUNS {
        // SAFETY: every memory holds a tile of the widest elements.
        unsafe { function(&args, &outs, TILE) };
    }
    start.elapsed().as_secs_f64() * 1e9 / (RUNS * TILE) as f64
}

/// A tile of numbers from `low` on.
fn numbers(dtype: DType, low: f64, step: f64) -> Memory {
    let mut floats: Memory = vec![0; TILE];
    for i in 0..TILE {
        let number = low + step * (i % 1000) as f64;
        // SAFETY: the memory is wide enough, and aligned.
        unsafe { floats.as_mut_ptr().cast::<f64>().add(i).write(number) };
    }
    let mut converted: Memory = vec![0; TILE];
    if let Some(cast) = cast_loop(DType::F64, dtype) {
        rate(cast, &[&floats], std::slice::from_mut(&mut converted));
    }
    converted
}

fn main() {
    use Ufunc as U;
    let dtypes = [DType::F64, DType::F32, DType::I64, DType::I32];
    let ufuncs = [
        U::Add,
        U::Multiply,
        U::TrueDivide,
        U::FloorDivide,
        U::Remainder,
        U::Maximum,
        U::Less,
        U::Sqrt,
        U::Square,
        U::Power,
        U::Exp,
        U::Expm1,
        U::Log,
        U::Log2,
        U::Log10,
        U::Log1p,
        U::Sin,
        U::Cos,
        U::Tan,
        U::Arctan,
        U::Arctan2,
        U::Hypot,
        U::Tanh,
        U::Isnan,
        U::Floor,
    ];
    println!("ns/element    {}", dtypes.map(|dtype| format!("{:>9}", dtype.to_string())).concat());
    for ufunc in ufuncs {
        print!("{:<14}", ufunc.name());
        for dtype in dtypes {
            let operands = vec![Operand::strong(dtype); ufunc.n_args()];
            let resolved = resolve(ufunc, &operands).ok();
            let native = resolved.filter(|resolved| resolved.args.iter().all(|arg| *arg == dtype));
            let Some(found) = native.and_then(|resolved| find(ufunc, &resolved)) else {
                print!("{:>9}", "");
                continue;
            };
            let (x, y) = (numbers(dtype, 0.5, 0.01), numbers(dtype, 1.5, 0.007));
            let args = [&x, &y];
            let mut outs = vec![vec![0; TILE]; ufunc.n_outputs()];
            print!("{:>9.3}", rate(found.function, &args[..ufunc.n_args()], &mut outs));
        }
        println!();
    }
}
