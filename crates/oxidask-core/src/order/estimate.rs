//! How hard each node is to compute from nothing: peak first, then path length.

use super::chain::Chains;

/// The hardness of each chain: in the high half the number of values that are alive at worst
/// while it is computed from nothing, in the low half the tasks on the longest path up to it.
pub(super) fn hardness(chains: &Chains, sorted: &[u32]) -> Vec<u64> {
    let mut hardness = vec![0u64; chains.dag.len()];
    let mut needs: Vec<u32> = Vec::new();
    for &chain in sorted {
        let inputs = chains.dag.inputs.row(chain);
        let of_inputs = inputs.iter().map(|&input| hardness[input as usize]);
        let path = of_inputs.clone().map(|both| both as u32).max().unwrap_or(0);
        let path = path.saturating_add(chains.members.row(chain).len() as u32);
        needs.clear();
        needs.extend(of_inputs.map(|both| (both >> 32) as u32));
        let need = peak_of_inputs(&mut needs).max(inputs.len() as u32 + 1);
        hardness[chain as usize] = u64::from(need) << 32 | u64::from(path);
    }
    hardness
}

/// The peak of computing values with these `needs` one after another, hardest first.
fn peak_of_inputs(needs: &mut [u32]) -> u32 {
    if needs.windows(2).any(|pair| pair[0] != pair[1]) {
        needs.sort_unstable_by(|a, b| b.cmp(a));
    }
    (0..).zip(needs.iter()).map(|(held, &need)| need.saturating_add(held)).max().unwrap_or(0)
}
