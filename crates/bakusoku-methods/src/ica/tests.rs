//! What a decomposition must do, whatever MNE says.

use super::*;
use crate::testing::info_of;
use bakusoku_core::{Info, Par};
use bakusoku_math::linalg;
use bakusoku_math::random::RandomState;
use ndarray::{Array2, Axis, s};

/// Sources of heavy and light tails, `(4, n)`.
fn truth(n: usize) -> Array2<f64> {
    let mut rng = RandomState::new(3);
    Array2::from_shape_fn((4, n), |(i, _)| match i {
        0 => rng.normal().powi(3),
        1 => -(1.0 - rng.uniform()).ln() * if rng.uniform() < 0.5 { -1.0 } else { 1.0 },
        2 => 3.0 * (rng.uniform() - 0.5),
        _ => rng.normal() * rng.normal(),
    })
}

fn mixed(n: usize) -> (Info, Array2<f64>, Array2<f64>) {
    let info = info_of(&["grad", "grad", "mag", "mag"], 100.0);
    let mix = Array2::from_shape_fn((4, 4), |(i, j)| ((i * 5 + j * 3) as f64).sin() + f64::from(u8::from(i == j)));
    let units = [1e-11, 1e-11, 1e-12, 1e-12];
    let mut x = mix.dot(&truth(n));
    x.rows_mut().into_iter().zip(units).for_each(|(mut row, unit)| row.mapv_inplace(|v| unit * (v + 0.3)));
    let mut a = mix;
    a.rows_mut().into_iter().zip(units).for_each(|(mut row, unit)| row *= unit);
    (info, x, a)
}

fn params(ortho: bool, extended: bool) -> IcaParams {
    let picard = PicardParams { ortho, extended, tol: 1e-10, max_iter: 300, ..Default::default() };
    IcaParams { picard, ..Default::default() }
}

fn fitted(par: &Par, x: &Array2<f64>, info: &Info, params: &IcaParams) -> Fitted {
    let mut fitted = fit_ica(par, info, x.view(), params, &mut |_, _, _| Ok(())).unwrap();
    sort_by_variance(par, &mut fitted.ica, x.view()).unwrap();
    fitted
}

/// How far `p` is from a permutation.
fn amari(p: &Array2<f64>) -> f64 {
    let of = |p: &Array2<f64>| -> f64 {
        p.rows()
            .into_iter()
            .map(|row| {
                let squares = row.mapv(|x| x * x);
                squares.sum() / squares.fold(0.0_f64, |most, &x| most.max(x)) - 1.0
            })
            .sum()
    };
    (of(p) + of(&p.t().to_owned())) / (2.0 * p.nrows() as f64)
}

#[test]
fn mixed_sources_are_found() {
    let (info, x, a) = mixed(20_000);
    for (ortho, extended) in [(true, true), (false, true)] {
        let fitted = fitted(&Par::serial(), &x, &info, &params(ortho, extended));
        assert!(fitted.found.converged && fitted.found.gradient < 1e-10, "{:?}", fitted.found);
        assert!(fitted.warnings.is_empty());
        let p = sources_map(&fitted.ica).unwrap().matrix.dot(&a);
        assert!(amari(&p) < 0.01, "{ortho} {extended}: {p}");
    }
}

#[test]
fn threads_change_no_bit() {
    let (info, x, _) = mixed(30_001);
    for (ortho, extended) in [(true, true), (false, false)] {
        let one = fitted(&Par::serial(), &x, &info, &params(ortho, extended));
        let four = fitted(&Par::new(4), &x, &info, &params(ortho, extended));
        assert_eq!(one.ica.unmixing_matrix, four.ica.unmixing_matrix);
        assert_eq!(one.ica.pca_components, four.ica.pca_components);
        assert_eq!(one.found.loss.to_bits(), four.found.loss.to_bits());
    }
}

#[test]
fn cleaning_takes_out_what_it_says_and_nothing_else() {
    let (info, x, _) = mixed(5000);
    let par = Par::serial();
    let ica = fitted(&par, &x, &info, &params(true, true)).ica;
    let mut same = x.clone();
    apply(&par, &ica, &Selection::default(), same.view_mut()).unwrap();
    let peak = |x: &Array2<f64>| x.map_axis(Axis(1), |row| row.fold(0.0_f64, |most, x| most.max(x.abs())));
    let near = |a: &Array2<f64>, b: &Array2<f64>| {
        let (difference, size) = (peak(&(a - b)), peak(b));
        difference.iter().zip(&size).all(|(d, s)| *d < 1e-12 * s)
    };
    assert!(near(&same, &x));
    let selection = Selection { exclude: vec![1], ..Default::default() };
    let mut cleaned = x.clone();
    apply(&par, &ica, &selection, cleaned.view_mut()).unwrap();
    // By the matrix of all channels.
    assert!(near(&cleaning_map(&ica, &selection).unwrap().apply(&par, x.view()), &cleaned));
    let (before, after) = (sources(&par, &ica, x.view()).unwrap(), sources(&par, &ica, cleaned.view()).unwrap());
    assert!(after.row(1).iter().all(|x| x.abs() < 1e-12));
    assert!((&after.row(2) - &before.row(2)).iter().all(|d| d.abs() < 1e-11));
    // The means stay.
    assert!(
        (cleaned.mean_axis(Axis(1)).unwrap() / x.mean_axis(Axis(1)).unwrap()).iter().all(|r| (r - 1.0).abs() < 1e-9)
    );
    let wrong = Selection { exclude: vec![4], ..Default::default() };
    assert!(apply(&par, &ica, &wrong, cleaned.view_mut()).unwrap_err().to_string().contains("below 4"));
}

#[test]
fn a_channel_that_depends_on_others_is_not_decomposed() {
    let (info, mut x, _) = mixed(4000);
    let sum = &x.row(0) + &(&x.row(2) * 10.0);
    x.row_mut(1).assign(&sum);
    let fit = |n| {
        fit_ica(
            &Par::serial(),
            &info,
            x.view(),
            &IcaParams { n_components: n, ..params(true, true) },
            &mut |_, _, _| Ok(()),
        )
    };
    let fitted = fit(None).unwrap();
    assert_eq!(fitted.ica.n_components(), 3);
    assert_eq!(fitted.ica.pca_components.dim(), (4, 4));
    let error = fit(Some(NComponents::Number(4))).unwrap_err().to_string();
    assert!(error.contains("rank 3"), "{error}");
    let mut same = x.clone();
    apply(&Par::serial(), &fitted.ica, &Selection::default(), same.view_mut()).unwrap();
    assert!((&same - &x).iter().zip(&x).all(|(d, x)| d.abs() < 1e-12 * (x.abs() + 1e-12)));
}

#[test]
fn wrong_parameters_and_samples_are_refused() {
    let (info, mut x, _) = mixed(1000);
    let fit = |x: &Array2<f64>, params: &IcaParams| {
        let x = x.slice(s![.., ..]);
        fit_ica(&Par::serial(), &info, x, params, &mut |_, _, _| Ok(())).unwrap_err().to_string()
    };
    let with = |n| IcaParams { n_components: Some(n), ..params(true, true) };
    assert!(fit(&x, &with(NComponents::Number(5))).contains("number of channels (4)"));
    assert!(fit(&x, &with(NComponents::Variance(1.5))).contains("between 0 and 1"));
    assert!(fit(&x, &with(NComponents::Number(1))).contains("at least 2"));
    assert!(fit(&x, &with(NComponents::Variance(0.01))).contains("one principal component"));
    let start = Start::Matrix(Array2::eye(2));
    assert!(fit(&x, &IcaParams { start, ..params(true, true) }).contains("w_init"));
    let mut stopped = 0;
    let mut watch = |n, _, _| {
        stopped = n;
        if n == 3 { Err(bakusoku_core::Error::data("enough")) } else { Ok(()) }
    };
    assert!(fit_ica(&Par::serial(), &info, x.view(), &params(true, true), &mut watch).is_err());
    assert_eq!(stopped, 3);
    x[[2, 17]] = f64::NAN;
    assert!(fit(&x, &params(true, true)).contains("NaN at 0.170 s"));
    x.row_mut(2).fill(1.0);
    x.row_mut(3).fill(1.0);
    assert!(fit(&x, &params(true, true)).contains("standard deviation of 0"));
}

#[test]
fn pieces_with_large_ranges_are_not_used() {
    let (info, mut x, _) = mixed(1050);
    x[[0, 250]] = 1.0;
    let reject = IcaReject { reject: vec![(bakusoku_core::ChannelType::Grad, 0.5)], ..Default::default() };
    let (used, dropped) = good_pieces(&Par::serial(), &info, x.view(), 1, &reject).unwrap();
    assert_eq!((dropped.len(), dropped[0].clone()), (1, 200..400));
    assert_eq!(used, [0..200, 400..600, 600..800, 800..1000]);
    let flat = IcaReject { flat: vec![(bakusoku_core::ChannelType::Mag, 1.0)], ..Default::default() };
    assert!(good_pieces(&Par::serial(), &info, x.view(), 1, &flat).unwrap_err().to_string().contains("no piece"));
    let eeg = IcaReject { reject: vec![(bakusoku_core::ChannelType::Eeg, 1.0)], ..Default::default() };
    assert!(good_pieces(&Par::serial(), &info, x.view(), 1, &eeg).is_err());
}

#[test]
fn free_components_are_a_maximum_of_the_likelihood() {
    let (_, x, _) = mixed(3000);
    let x = x / 1e-12;
    let blocks = Blocks::of(&Par::serial(), x.view());
    let covariance = covariance_of(&Par::serial(), x.view());
    // Whitened, or the start is far away.
    let start = linalg::inverse_upper(linalg::cholesky(covariance.view()).unwrap().view());
    let params = PicardParams { ortho: false, extended: false, tol: 1e-9, ..Default::default() };
    let found = picard(&Par::serial(), &blocks, covariance.view(), start.t(), &params, &mut |_, _, _| Ok(())).unwrap();
    assert!(found.converged);
    let loss = |w: &Array2<f64>| -> f64 {
        let y = w.dot(&x);
        let fit: f64 = y.iter().map(|y| bakusoku_math::tanh::log_cosh(*y) + std::f64::consts::LN_2).sum();
        fit / x.ncols() as f64 - linalg::ln_abs_det(w.view()).unwrap()
    };
    let least = loss(&found.unmixing);
    assert!((least - found.loss).abs() < 1e-12);
    for (i, j) in [(0, 1), (2, 2), (3, 0)] {
        for step in [1e-3, -1e-3] {
            let mut transform = Array2::<f64>::eye(4);
            transform[[i, j]] += step;
            assert!(loss(&transform.dot(&found.unmixing)) > least);
        }
    }
}
