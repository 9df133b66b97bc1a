/* Every text that is seen, with its contrast against what lies behind it (WCAG 2.2), where that is below `limit`. */
(limit) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const luminance = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      if (e instanceof SVGElement && e.classList.contains("node")) {
        const box = e.querySelector("rect.box");
        if (box) layers.push(rgba(getComputedStyle(box).fill));
      } else if (!(e instanceof SVGElement)) layers.push(rgba(getComputedStyle(e).backgroundColor));
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const poor = [];
  let seen = 0;
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].filter((n) => n.nodeType === 3 && n.textContent.trim());
    const style = getComputedStyle(element);
    if (!own.length || style.visibility === "hidden" || ["SCRIPT", "STYLE", "OPTION", "TITLE", "title"].includes(element.tagName)) continue;
    if (!element.getClientRects().length || element.closest(".visually-hidden")) continue;
    const back = behind(element), ink = rgba(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [luminance(over(ink, back)), luminance(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    seen += 1;
    if (ratio < limit) poor.push(`${element.tagName}.${element.getAttribute("class")} "${own[0].textContent.trim().slice(0, 30)}" ${ratio.toFixed(2)}`);
  }
  return { seen, poor };
}
