//! Small pictures with a palette, as PNG in a data URI.

use data_encoding::BASE64;

/// A picture `width × height` of palette indices as a data URI; index 0 is transparent. `None` for an empty picture.
pub(crate) fn data_uri(width: usize, height: usize, pixels: &[u8], palette: &[[u8; 3]]) -> Option<String> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette.concat());
    encoder.set_trns(vec![0]);
    encoder.set_compression(png::Compression::High);
    // Indices are no amounts: differences between neighbours say nothing.
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(pixels).ok()?;
    writer.finish().ok()?;
    Some(format!("data:image/png;base64,{}", BASE64.encode(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_the_same_when_it_is_read_back() {
        let pixels: Vec<u8> = (0..60 * 40).map(|i| (i / 60 % 3) as u8).collect();
        let palette = [[255; 3], [10, 20, 30], [200, 100, 0]];
        let uri = data_uri(60, 40, &pixels, &palette).unwrap();
        assert!(uri.len() < 400, "{}", uri.len());
        let bytes = BASE64.decode(uri.strip_prefix("data:image/png;base64,").unwrap().as_bytes()).unwrap();
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::IDENTITY);
        let mut reader = decoder.read_info().unwrap();
        let mut back = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut back).unwrap();
        assert_eq!(back, pixels);
        assert_eq!(reader.info().palette.as_deref(), Some(palette.as_flattened()));
        assert!(data_uri(0, 40, &[], &palette).is_none());
    }
}
