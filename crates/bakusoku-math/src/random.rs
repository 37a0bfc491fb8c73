//! NumPy's `RandomState`: the same numbers from the same seed.

const N: usize = 624;
const M: usize = 397;

/// `numpy.random.RandomState(seed)`: the Mersenne Twister, and normal numbers by the polar method.
///
/// Matsumoto & Nishimura (1998), *ACM Trans. Model. Comput. Simul.* 8; Marsaglia & Bray (1964), *SIAM Rev.* 6.
#[derive(Clone, Debug)]
pub struct RandomState {
    key: [u32; N],
    at: usize,
    gauss: Option<f64>,
}

impl RandomState {
    /// From a seed.
    pub fn new(seed: u32) -> Self {
        let mut key = [0; N];
        key[0] = seed;
        for i in 1..N {
            let before: u32 = key[i - 1];
            key[i] = 1_812_433_253_u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(i as u32);
        }
        Self { key, at: N, gauss: None }
    }

    fn refill(&mut self) {
        for i in 0..N {
            let y = (self.key[i] & 0x8000_0000) | (self.key[(i + 1) % N] & 0x7fff_ffff);
            let twist = if y & 1 == 0 { 0 } else { 0x9908_b0df };
            self.key[i] = self.key[(i + M) % N] ^ (y >> 1) ^ twist;
        }
        self.at = 0;
    }

    fn next_u32(&mut self) -> u32 {
        if self.at == N {
            self.refill();
        }
        let mut y = self.key[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// A number from 0 to 1, 1 excluded (`random_sample`).
    pub fn uniform(&mut self) -> f64 {
        let (a, b) = (self.next_u32() >> 5, self.next_u32() >> 6);
        (f64::from(a) * 67_108_864.0 + f64::from(b)) / 9_007_199_254_740_992.0
    }

    /// A normal number of mean 0 and variance 1 (`standard_normal`).
    pub fn normal(&mut self) -> f64 {
        if let Some(gauss) = self.gauss.take() {
            return gauss;
        }
        loop {
            let (x1, x2) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let r2 = x1 * x1 + x2 * x2;
            if r2 < 1.0 && r2 != 0.0 {
                let f = (-2.0 * r2.ln() / r2).sqrt();
                self.gauss = Some(f * x1);
                return f * x2;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_numpy_s() {
        // numpy.random.RandomState(42).random_sample(3), RandomState(0).standard_normal(5).
        let mut rng = RandomState::new(42);
        let uniform = [(); 3].map(|()| rng.uniform());
        assert_eq!(uniform, [0.3745401188473625, 0.9507143064099162, 0.7319939418114051]);
        let mut rng = RandomState::new(0);
        let normal = [(); 5].map(|()| rng.normal());
        assert_eq!(
            normal,
            [1.764052345967664, 0.4001572083672233, 0.9787379841057392, 2.240893199201458, 1.8675579901499675]
        );
    }
}
