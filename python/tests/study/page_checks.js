// What is wrong with how a page looks, as a list of sentences. Run in the page by test_report.py.
(() => {
  const found = [];
  const say = (text) => { if (found.length < 40) found.push(text); };
  const short = (text) => text.trim().replace(/\s+/g, " ").slice(0, 60);
  const width = document.documentElement.clientWidth;

  document.querySelectorAll("details").forEach((details) => (details.open = true));

  // Numbers that are none, in any attribute of a picture or style.
  for (const element of document.querySelectorAll("svg, svg *, [style]"))
    for (const attribute of element.attributes)
      if (/NaN|\binf(inity)?\b|undefined/i.test(attribute.value) && !["aria-label", "href"].includes(attribute.name))
        say(`<${element.tagName}> has ${attribute.name}="${short(attribute.value)}"`);

  // Anchors.
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) say(`the anchor ${id} is there twice`);
  for (const link of document.querySelectorAll("a[href^='#']"))
    if (!document.getElementById(link.getAttribute("href").slice(1))) say(`${link.getAttribute("href")} leads nowhere`);

  // Curves: a colour, some extent, and part of them inside the frame.
  for (const plot of document.querySelectorAll(".plot")) {
    const name = plot.getAttribute("aria-label");
    const frame = plot.querySelector("svg").getBoundingClientRect();
    if (frame.width < 150 || frame.height < 100) say(`${name}: the frame is ${frame.width} × ${frame.height}`);
    const curves = [...plot.querySelectorAll("path")];
    if (!curves.length) say(`${name}: no curve`);
    for (const curve of curves) {
      const style = getComputedStyle(curve);
      if (style.stroke === "none" && style.fill === "none") say(`${name}: a curve has no colour`);
      const box = curve.getBoundingClientRect();
      if (!(box.width > 0 || box.height > 0)) say(`${name}: a curve has no extent`);
      if (box.bottom < frame.top || box.top > frame.bottom || box.right < frame.left || box.left > frame.right)
        say(`${name}: a curve lies outside of the frame`);
    }
    if (!plot.querySelector(".x-ticks span") || !plot.querySelector(".y-ticks span")) say(`${name}: an axis has no numbers`);
    for (const title of [".x-title", ".y-title"])
      if (!plot.querySelector(title)?.textContent) say(`${name}: ${title} is empty`);
  }

  // Texts: large enough, inside the window, on top of no other text.
  const boxes = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || ["STYLE", "SCRIPT", "TITLE"].includes(element.tagName)) continue;
    if (parseFloat(getComputedStyle(element).fontSize) < 11.5) say(`"${short(node.data)}" is smaller than 12 px`);
    // What its ancestors leave of it: a scrolled table, a name that is cut on purpose.
    let clip = { left: -1e9, top: -1e9, right: 1e9, bottom: 1e9 }, cut = null;
    for (let up = element; up && up !== document.body; up = up.parentElement)
      if (getComputedStyle(up).overflowX !== "visible") {
        const box = up.getBoundingClientRect();
        clip = { left: Math.max(clip.left, box.left), top: Math.max(clip.top, box.top),
                 right: Math.min(clip.right, box.right), bottom: Math.min(clip.bottom, box.bottom) };
        if (getComputedStyle(up).overflowX === "hidden") cut = { right: box.right, title: up.title };
      }
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      const box = { left: Math.max(rect.left, clip.left), top: Math.max(rect.top, clip.top),
                    right: Math.min(rect.right, clip.right), bottom: Math.min(rect.bottom, clip.bottom), node };
      if (cut && rect.right > cut.right + 1 && !cut.title) say(`"${short(node.data)}" is cut, and nothing shows the whole`);
      if (box.right - box.left < 1 || box.bottom - box.top < 1) continue;
      if (box.right > width + 1 || box.left < -1) say(`"${short(node.data)}" leaves the window`);
      boxes.push(box);
    }
  }
  boxes.sort((a, b) => a.top - b.top);
  for (let i = 0; i < boxes.length; i++)
    for (let j = i + 1; j < boxes.length && boxes[j].top < boxes[i].bottom; j++) {
      const [a, b] = [boxes[i], boxes[j]];
      const over = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const under = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      // Lines of a paragraph may touch; of a name that is cut the rest lies below its first part.
      if (a.node !== b.node && over > 1 && under > 3) say(`"${short(a.node.data)}" lies on "${short(b.node.data)}"`);
    }

  // Boxes: nothing makes the page wider than the window, or leaves the card that it is in.
  if (document.documentElement.scrollWidth > width) say(`the page is ${document.documentElement.scrollWidth} wide`);
  for (const card of document.querySelectorAll(".card, .tile, .chip, .plot, .maps, .lanes"))
    if (card.scrollWidth > card.clientWidth + 1) say(`.${card.className} "${short(card.textContent)}" overflows`);
  return found;
})()
