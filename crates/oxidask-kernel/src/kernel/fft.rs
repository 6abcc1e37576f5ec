//! Discrete Fourier transforms along one axis, through rustfft.
//!
//! Real transforms run two lanes at once as the real and imaginary part of one complex transform.
//! Plans are kept by thread.

use std::cell::RefCell;
use std::sync::Arc;

use num_complex::Complex;
use rustfft::{Fft, FftDirection, FftPlanner};
use serde::{Deserialize, Serialize};

use crate::dtype::{Bool, DType, Element};
use crate::error::{ArrayError, Result};
use crate::kernel::cast::cast_chunk;
use crate::kernel::{Chunk, Dims, lanes};

/// The transforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Transform {
    /// Complex to complex, forward.
    Fft,
    /// Complex to complex, inverse.
    Ifft,
    /// Real to half of the (symmetric) spectrum.
    Rfft,
    /// Half of a symmetric spectrum to real, inverse.
    Irfft,
    /// Half of a symmetric signal to its real spectrum.
    Hfft,
    /// Real spectrum to half of its symmetric signal.
    Ihfft,
}

/// Which direction is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Norm {
    /// The inverse by 1/n.
    Backward,
    /// Both by 1/sqrt(n).
    Ortho,
    /// The forward by 1/n.
    Forward,
}

impl Transform {
    /// Whether it takes real numbers.
    #[must_use]
    pub fn takes_real(self) -> bool {
        matches!(self, Self::Rfft | Self::Ihfft)
    }

    /// Whether it gives real numbers.
    #[must_use]
    pub fn gives_real(self) -> bool {
        matches!(self, Self::Irfft | Self::Hfft)
    }

    /// Points of the transform of an axis of this extent, if none were asked for.
    #[must_use]
    pub fn default_n(self, extent: usize) -> usize {
        if self.gives_real() { 2 * extent.saturating_sub(1) } else { extent }
    }

    /// The extent of the result's axis for a transform of `n` points.
    #[must_use]
    pub fn extent(self, n: usize) -> usize {
        if self.takes_real() { n / 2 + 1 } else { n }
    }

    /// The result's dtype.
    ///
    /// # Errors
    /// [`ArrayError::Type`] for times, and for complex numbers where real ones are taken.
    pub fn dtype(self, input: DType) -> Result<DType> {
        let complex = matches!(input, DType::C64 | DType::C128);
        if matches!(input, DType::Datetime(_) | DType::Timedelta(_)) || complex && self.takes_real()
        {
            return Err(ArrayError::Type(format!("no {self:?} of {input}")));
        }
        let single = matches!(input, DType::F32 | DType::C64 | DType::F16);
        Ok(match (self.gives_real(), single) {
            (true, true) => DType::F32,
            (true, false) => DType::F64,
            (false, true) => DType::C64,
            (false, false) => DType::C128,
        })
    }

    fn is_forward(self) -> bool {
        matches!(self, Self::Fft | Self::Rfft | Self::Hfft)
    }
}

impl Norm {
    fn factor(self, forward: bool, n: usize) -> f64 {
        let n = n as f64;
        match (self, forward) {
            (Self::Ortho, _) => 1.0 / n.sqrt(),
            (Self::Backward, false) | (Self::Forward, true) => 1.0 / n,
            _ => 1.0,
        }
    }
}

/// The transform of `n` points (the axis cropped or filled up with zeros) along `axis`.
///
/// # Errors
/// [`ArrayError::Value`] for no points, [`ArrayError::Type`] as [`Transform::dtype`],
/// [`ArrayError::NoKernel`] for half precision.
pub fn transform(
    chunk: &Chunk,
    transform: Transform,
    n: Option<usize>,
    axis: usize,
    norm: Norm,
) -> Result<Chunk> {
    if axis >= chunk.ndim() {
        return Err(ArrayError::Axis { axis: axis as i64, ndim: chunk.ndim() });
    }
    let n = n.unwrap_or_else(|| transform.default_n(chunk.shape()[axis]));
    if n == 0 {
        return Err(ArrayError::Value(format!(
            "Invalid number of FFT data points ({n}) specified."
        )));
    }
    let wanted = transform.dtype(chunk.dtype())?;
    if chunk.dtype() == DType::F16 {
        return Err(ArrayError::no_kernel("a transform", DType::F16));
    }
    // Single precision is computed in double, as NumPy does, with a factor of single precision.
    let single = matches!(wanted, DType::F32 | DType::C64);
    let factor = norm.factor(transform.is_forward(), n);
    let factor = if single { f64::from(factor as f32) } else { factor };
    let job = Job { transform, n, axis, factor };
    if !single {
        return job.run(chunk);
    }
    let wide = match chunk.dtype() {
        DType::C64 => cast_chunk(chunk, DType::C128)?,
        _ => chunk.clone(),
    };
    cast_chunk(&job.run(&wide)?, wanted)
}

thread_local! {
    static PLANNER: RefCell<FftPlanner<f64>> = RefCell::new(FftPlanner::new());
}

fn plan(n: usize, direction: FftDirection) -> Arc<dyn Fft<f64>> {
    PLANNER.with_borrow_mut(|planner| planner.plan_fft(n, direction))
}

struct Job {
    transform: Transform,
    n: usize,
    axis: usize,
    factor: f64,
}

/// The real numbers of a chunk.
fn reals(chunk: &Chunk) -> Result<Vec<f64>> {
    crate::dispatch!(
        chunk.dtype(),
        T in [i8, i16, i32, i64, u8, u16, u32, u64, f32] =>
            Ok(chunk.elements::<T>()?.iter().map(|&x| x as f64).collect()),
        else match chunk.dtype() {
            DType::F64 => Ok(chunk.elements::<f64>()?.into_owned()),
            _ => Ok(chunk.elements::<Bool>()?.iter().map(|x| f64::from(x.0)).collect()),
        }
    )
}

fn complexes(chunk: &Chunk) -> Result<Vec<Complex<f64>>> {
    match chunk.dtype() {
        DType::C128 => Ok(chunk.elements::<Complex<f64>>()?.into_owned()),
        _ => Ok(reals(chunk)?.into_iter().map(Complex::from).collect()),
    }
}

impl Job {
    fn run(&self, chunk: &Chunk) -> Result<Chunk> {
        // Only as much of the axis as takes part.
        let used = if self.transform.gives_real() { self.n / 2 + 1 } else { self.n };
        let extent = chunk.shape()[self.axis];
        let view = chunk.sliced(self.axis, 0, 1, extent.min(used));
        let source = lanes::gathered(&view, self.axis)?;
        let mut shape = Dims::from(source.shape());
        let m = std::mem::replace(&mut shape[chunk.ndim() - 1], self.transform.extent(self.n));
        let n_lanes: usize = shape[..chunk.ndim() - 1].iter().product();
        let back = lanes::axis_back(chunk.ndim(), self.axis);
        let is_complex = matches!(chunk.dtype(), DType::C64 | DType::C128);
        let out = if self.transform.takes_real() || self.transform == Transform::Fft && !is_complex
        {
            self.spectra(&reals(&source)?, m, n_lanes, &shape)?
        } else if self.transform.gives_real() {
            self.signals(&complexes(&source)?, m, n_lanes, &shape)?
        } else {
            self.complex(&complexes(&source)?, m, &shape)?
        };
        Ok(out.permuted(&back))
    }

    fn direction(&self) -> FftDirection {
        if self.transform.is_forward() { FftDirection::Forward } else { FftDirection::Inverse }
    }

    fn complex(&self, from: &[Complex<f64>], m: usize, shape: &[usize]) -> Result<Chunk> {
        let mut out = Chunk::zeros(Complex::<f64>::DTYPE, shape)?;
        let fft = plan(self.n, self.direction());
        let scale = self.factor;
        let mut scratch = vec![Complex::default(); fft.get_inplace_scratch_len()];
        if let Some(slice) = out.as_mut_slice::<Complex<f64>>() {
            for (i, lane) in slice.chunks_exact_mut(self.n).enumerate() {
                lane[..m].copy_from_slice(&from[i * m..(i + 1) * m]);
                fft.process_with_scratch(lane, &mut scratch);
                if self.factor != 1.0 {
                    lane.iter_mut().for_each(|z| *z *= scale);
                }
            }
        }
        Ok(out)
    }

    /// Two real lanes are one complex lane; their spectra come apart by symmetry.
    fn spectra(&self, from: &[f64], m: usize, n_lanes: usize, shape: &[usize]) -> Result<Chunk> {
        let mut out = Chunk::zeros(Complex::<f64>::DTYPE, shape)?;
        let (n, half) = (self.n, self.n / 2 + 1);
        let extent = self.transform.extent(n);
        let fft = plan(n, FftDirection::Forward);
        let mut scratch = vec![Complex::default(); fft.get_inplace_scratch_len()];
        let mut pair = vec![Complex::<f64>::default(); n];
        // `ihfft` is the conjugate of the forward transform, scaled.
        let sign = if self.transform == Transform::Ihfft { -1.0 } else { 1.0 };
        let scale = self.factor * 0.5;
        let Some(slice) = out.as_mut_slice::<Complex<f64>>() else { return Ok(out) };
        for (i, two) in slice.chunks_mut(2 * extent).enumerate() {
            pair.fill(Complex::default());
            let first = &from[2 * i * m..(2 * i + 1) * m];
            let second =
                if 2 * i + 1 < n_lanes { &from[(2 * i + 1) * m..(2 * i + 2) * m] } else { &[] };
            pair.iter_mut().zip(first).for_each(|(z, &x)| z.re = x);
            pair.iter_mut().zip(second).for_each(|(z, &y)| z.im = y);
            fft.process_with_scratch(&mut pair, &mut scratch);
            let (a, b) = two.split_at_mut(extent);
            for k in 0..half {
                let (z, w) = (pair[k], pair[if k == 0 { 0 } else { n - k }].conj());
                let (even, odd) = (z + w, z - w);
                a[k] = Complex::new(even.re * scale, even.im * scale * sign);
                if let Some(b) = b.get_mut(k) {
                    *b = Complex::new(odd.im * scale, -odd.re * scale * sign);
                }
            }
            // A full spectrum's other half mirrors the first.
            for lane in [a, b].into_iter().filter(|lane| !lane.is_empty()) {
                (half..extent).for_each(|k| lane[k] = lane[n - k].conj());
            }
        }
        Ok(out)
    }

    /// Two symmetric spectra, one times i, are the spectrum of two real lanes.
    fn signals(
        &self,
        from: &[Complex<f64>],
        m: usize,
        n_lanes: usize,
        shape: &[usize],
    ) -> Result<Chunk> {
        let mut out = Chunk::zeros(f64::DTYPE, shape)?;
        let n = self.n;
        let fft = plan(n, FftDirection::Inverse);
        let mut scratch = vec![Complex::default(); fft.get_inplace_scratch_len()];
        let mut pair = vec![Complex::<f64>::default(); n];
        let conjugate = self.transform == Transform::Hfft;
        let scale = self.factor;
        let Some(slice) = out.as_mut_slice::<f64>() else { return Ok(out) };
        for (i, two) in slice.chunks_mut(2 * n).enumerate() {
            pair.fill(Complex::default());
            for (which, lane) in (2 * i..n_lanes.min(2 * i + 2)).enumerate() {
                for (k, &z) in from[lane * m..(lane + 1) * m].iter().enumerate() {
                    let mut z = if conjugate { z.conj() } else { z };
                    let mirrored = k != 0 && 2 * k != n;
                    if !mirrored {
                        // The imaginary part of an element that is its own mirror is no signal.
                        z.im = 0.0;
                    }
                    let turn =
                        |z: Complex<f64>| if which == 0 { z } else { Complex::new(-z.im, z.re) };
                    pair[k] += turn(z);
                    if mirrored {
                        pair[n - k] += turn(z.conj());
                    }
                }
            }
            fft.process_with_scratch(&mut pair, &mut scratch);
            let (a, b) = two.split_at_mut(n);
            a.iter_mut().zip(&pair).for_each(|(x, z)| *x = z.re * scale);
            b.iter_mut().zip(&pair).for_each(|(x, z)| *x = z.im * scale);
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn naive(x: &[Complex<f64>], n: usize, sign: f64) -> Vec<Complex<f64>> {
        let at = |i: usize| x.get(i).copied().unwrap_or_default();
        let term = |k: usize, i: usize| {
            at(i) * Complex::from_polar(1.0, sign * TAU * (k * i % n) as f64 / n as f64)
        };
        (0..n).map(|k| (0..n).map(|i| term(k, i)).sum()).collect()
    }

    fn signal(n: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 5 + 3) % 11) as f64 - 4.0).collect()
    }

    fn assert_close(a: &[Complex<f64>], b: &[Complex<f64>]) {
        assert_eq!(a.len(), b.len());
        assert!(a.iter().zip(b).all(|(x, y)| (x - y).norm() < 1e-9), "{a:?} is not {b:?}");
    }

    #[test]
    fn complex_transforms_crop_and_fill() {
        let x: Vec<Complex<f64>> = signal(12).iter().map(|&x| Complex::new(x, -x / 2.0)).collect();
        let chunk = Chunk::from_slice(&x, &[12]).unwrap();
        for n in [5, 12, 17] {
            let out = transform(&chunk, Transform::Fft, Some(n), 0, Norm::Backward).unwrap();
            let cropped = &x[..n.min(12)];
            assert_close(&out.elements::<Complex<f64>>().unwrap(), &naive(cropped, n, -1.0));
            let back = transform(&out, Transform::Ifft, None, 0, Norm::Backward).unwrap();
            let mut expected = cropped.to_vec();
            expected.resize(n, Complex::default());
            assert_close(&back.elements::<Complex<f64>>().unwrap(), &expected);
        }
    }

    #[test]
    fn real_transforms_agree_with_the_complex_one_on_odd_and_even_lanes() {
        for (n_lanes, n) in [(1, 8), (3, 8), (3, 7), (2, 1)] {
            let x = signal(n_lanes * n);
            let chunk = Chunk::from_slice(&x, &[n_lanes, n]).unwrap();
            let half = transform(&chunk, Transform::Rfft, None, 1, Norm::Backward).unwrap();
            assert_eq!(half.shape(), [n_lanes, n / 2 + 1]);
            let spectra = half.elements::<Complex<f64>>().unwrap();
            for lane in 0..n_lanes {
                let z: Vec<Complex<f64>> = x[lane * n..][..n].iter().map(|&x| x.into()).collect();
                let full = naive(&z, n, -1.0);
                assert_close(&spectra[lane * (n / 2 + 1)..][..n / 2 + 1], &full[..n / 2 + 1]);
            }
            let whole = transform(&chunk, Transform::Fft, None, 1, Norm::Backward).unwrap();
            let complex: Vec<Complex<f64>> = x.iter().map(|&x| x.into()).collect();
            let complex = Chunk::from_slice(&complex, &[n_lanes, n]).unwrap();
            let same = transform(&complex, Transform::Fft, None, 1, Norm::Backward).unwrap();
            assert_close(
                &whole.elements::<Complex<f64>>().unwrap(),
                &same.elements::<Complex<f64>>().unwrap(),
            );
            let back = transform(&half, Transform::Irfft, Some(n), 1, Norm::Backward).unwrap();
            let back = back.elements::<f64>().unwrap();
            assert!(back.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-12));
            let ihfft = transform(&chunk, Transform::Ihfft, None, 1, Norm::Backward).unwrap();
            let again = transform(&ihfft, Transform::Hfft, Some(n), 1, Norm::Backward).unwrap();
            let again = again.elements::<f64>().unwrap();
            assert!(again.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-12));
        }
    }

    #[test]
    fn other_axes_dtypes_and_norms() {
        let chunk = Chunk::from_slice(&[1i32, 2, 3, 4, 5, 6], &[3, 2]).unwrap();
        let out = transform(&chunk, Transform::Fft, None, 0, Norm::Ortho).unwrap();
        let out = out.elements::<Complex<f64>>().unwrap();
        assert!((out[0].re - 9.0 / 3f64.sqrt()).abs() < 1e-12);
        assert!((out[1].re - 12.0 / 3f64.sqrt()).abs() < 1e-12);
        let single = Chunk::from_slice(&[1f32, 2.0], &[2]).unwrap();
        let out = transform(&single, Transform::Fft, None, 0, Norm::Forward).unwrap();
        assert_eq!(out.elements::<Complex<f32>>().unwrap()[0].re, 1.5);
        let refused = transform(&single, Transform::Fft, Some(0), 0, Norm::Backward);
        assert!(matches!(refused, Err(ArrayError::Value(_))));
    }
}
