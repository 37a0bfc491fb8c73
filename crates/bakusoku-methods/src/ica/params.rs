//! Parameters of a decomposition: the names and defaults of `mne.preprocessing.ICA` and of `picard`.

use bakusoku_core::{ChannelType, Error, Result};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// How many components.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum NComponents {
    /// As many.
    Number(usize),
    /// The fewest that explain more than this share of the variance.
    Variance(f64),
}

impl NComponents {
    /// As one number: whole, or below 1.
    pub fn value(self) -> f64 {
        match self {
            Self::Number(n) => n as f64,
            Self::Variance(share) => share,
        }
    }

    /// From one number, as MNE stores it.
    pub fn from_value(value: f64) -> Self {
        if value.fract() == 0.0 && value >= 1.0 { Self::Number(value as usize) } else { Self::Variance(value) }
    }
}

/// The algorithm (`method` of `mne.preprocessing.ICA`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IcaMethod {
    /// FastICA's optimum, found by Picard-O.
    #[default]
    FastIca,
    /// Infomax's optimum, found by Picard.
    Infomax,
    /// Picard.
    Picard,
}

impl IcaMethod {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::FastIca, Self::Infomax, Self::Picard];

    /// MNE's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::FastIca => "fastica",
            Self::Infomax => "infomax",
            Self::Picard => "picard",
        }
    }

    /// By MNE's name.
    ///
    /// # Errors
    /// When there is no such method.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|method| method.name() == name)
            .ok_or_else(|| Error::parameter("method", "\"fastica\", \"infomax\" or \"picard\"", format!("\"{name}\"")))
    }
}

/// What is asked of Picard (`picard.picard`).
#[derive(Clone, Debug, PartialEq)]
pub struct PicardParams {
    /// Whether the components are kept uncorrelated: FastICA's problem, else Infomax's.
    pub ortho: bool,
    /// Whether each source may be heavy- or light-tailed, else all are heavy-tailed.
    pub extended: bool,
    /// Most iterations.
    pub max_iter: usize,
    /// The largest element of the gradient at which it ends.
    pub tol: f64,
    /// Length of the memory of L-BFGS.
    pub m: usize,
    /// Tries of a line search.
    pub ls_tries: usize,
    /// The least eigenvalue of the approximate Hessian.
    pub lambda_min: f64,
    /// Iterations of FastICA before.
    pub fastica_it: usize,
}

impl Default for PicardParams {
    fn default() -> Self {
        Self {
            ortho: true,
            extended: true,
            max_iter: 500,
            tol: 1e-7,
            m: 7,
            ls_tries: 10,
            lambda_min: 0.01,
            fastica_it: 0,
        }
    }
}

impl PicardParams {
    /// The defaults for a method: `fastica` keeps components uncorrelated and takes either kind of source, `infomax` does
    /// neither, `picard` is as `fastica` unless told otherwise. `tol` is the method's own: FastICA's is the square of
    /// Picard's.
    pub fn of_method(method: IcaMethod, ortho: Option<bool>, extended: Option<bool>, tol: Option<f64>) -> Self {
        let ortho = match method {
            IcaMethod::FastIca => true,
            IcaMethod::Infomax => false,
            IcaMethod::Picard => ortho.unwrap_or(true),
        };
        let extended = match method {
            IcaMethod::FastIca => true,
            IcaMethod::Infomax => extended.unwrap_or(false),
            IcaMethod::Picard => extended.unwrap_or(ortho),
        };
        let default = Self::default();
        let tol = match (method, tol) {
            (_, None) | (IcaMethod::Infomax, Some(_)) => default.tol,
            (IcaMethod::FastIca, Some(tol)) => tol.sqrt(),
            (IcaMethod::Picard, Some(tol)) => tol,
        };
        let max_iter = if method == IcaMethod::FastIca { 1000 } else { default.max_iter };
        Self { ortho, extended, tol, max_iter, ..default }
    }

    /// # Errors
    /// When parameters make no sense.
    pub(super) fn check(&self) -> Result<()> {
        if !(self.tol > 0.0 && self.tol.is_finite()) {
            return Err(Error::parameter("tol", "above 0", self.tol));
        }
        if !(self.lambda_min > 0.0 && self.lambda_min.is_finite()) {
            return Err(Error::parameter("lambda_min", "above 0", self.lambda_min));
        }
        for (name, value) in [("max_iter", self.max_iter), ("m", self.m), ("ls_tries", self.ls_tries)] {
            if value == 0 {
                return Err(Error::parameter(name, "at least 1", value));
            }
        }
        Ok(())
    }
}

/// Where the search starts.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// At a random rotation, that of `numpy.random.RandomState(seed)`.
    Seed(u32),
    /// At the rotation nearest to the matrix of the first of these numbers.
    Random(Vec<f64>),
    /// Where it is.
    Identity,
    /// At this matrix, `(n_components, n_components)`.
    Matrix(Array2<f64>),
}

/// The parameters of `mne.preprocessing.ICA`.
#[derive(Clone, Debug, PartialEq)]
pub struct IcaParams {
    /// How many components; `None`: those of a share of 0.999999 of the variance.
    pub n_components: Option<NComponents>,
    /// How many principal components stand for the data; all unless told.
    pub n_pca_components: Option<NComponents>,
    /// What the decomposition calls itself.
    pub method: IcaMethod,
    /// The algorithm.
    pub picard: PicardParams,
    /// Where it starts.
    pub start: Start,
}

impl Default for IcaParams {
    fn default() -> Self {
        Self {
            n_components: None,
            n_pca_components: None,
            method: IcaMethod::Picard,
            picard: PicardParams::default(),
            start: Start::Seed(0),
        }
    }
}

impl IcaParams {
    /// # Errors
    /// When parameters make no sense for `n_channels`.
    pub(super) fn check(&self, n_channels: usize) -> Result<()> {
        self.picard.check()?;
        for (name, value) in [("n_components", self.n_components), ("n_pca_components", self.n_pca_components)] {
            match value {
                Some(NComponents::Variance(share)) if !(share > 0.0 && share < 1.0) => {
                    return Err(Error::parameter(name, "a share of variance between 0 and 1, both excluded", share));
                }
                Some(NComponents::Number(n)) if n < 2 => {
                    return Err(Error::parameter(name, "at least 2", n));
                }
                Some(NComponents::Number(n)) if n > n_channels => {
                    return Err(Error::parameter(name, format!("at most the number of channels ({n_channels})"), n));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Which samples of a recording are used (`reject`, `flat` and `tstep` of `mne.preprocessing.ICA.fit`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IcaReject {
    /// Largest range of values by channel type (SI units) of a piece that is used.
    pub reject: Vec<(ChannelType, f64)>,
    /// Smallest range of values by channel type (SI units) of a piece that is used.
    pub flat: Vec<(ChannelType, f64)>,
    /// Length of a piece (s).
    pub tstep: f64,
}

impl Default for IcaReject {
    fn default() -> Self {
        Self { reject: Vec::new(), flat: Vec::new(), tstep: 2.0 }
    }
}
