// Finds what is too faint, as WCAG 2.2 (1.4.3 and 1.4.11) computes it: texts below 4.5:1, signs and
// bars below 3:1. Answers how many were looked at, and those.
() => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  const readColor = (color) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const lay = (front, back) =>
    [0, 1, 2].map((at) => front[at] * front[3] + back[at] * (1 - front[3]));
  const readBehind = (element) => {
    const layers = [];
    for (let it = element; it; it = it.parentElement) {
      layers.unshift(readColor(getComputedStyle(it).backgroundColor));
    }
    return layers.reduce((back, layer) => lay(layer, back), [255, 255, 255]);
  };
  const toLinear = (it) => (it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4);
  const findLight = (rgb) => {
    const [r, g, b] = rgb.map((it) => toLinear(it / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const findContrast = (color, back) => {
    const [one, other] = [lay(readColor(color), back), back].map(findLight);
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  };
  const hasText = (element) =>
    [...element.childNodes].some((it) => it.nodeType === 3 && it.textContent.trim());
  const isBar = (element) =>
    element.matches(".dot, .segment:not(.folded), .moment") && !element.closest(".late");

  let count = 0;
  const found = [];
  const check = (element, back, color, least) => {
    const contrast = findContrast(color, readBehind(back));
    const words = `${element.className} ${element.textContent.slice(0, 20)}`;
    count += 1;
    if (contrast < least) found.push(`${words} ${contrast.toFixed(2)}`);
  };
  for (const element of document.querySelectorAll("body *")) {
    const isSeen = element.checkVisibility({ visibilityProperty: true });
    if (!isSeen || element.closest(".unseen, :disabled")) continue;
    const { color, backgroundColor } = getComputedStyle(element);
    if (hasText(element)) check(element, element, color, 4.5);
    if (element.matches("svg.icon")) check(element.parentElement, element.parentElement, color, 3);
    if (isBar(element)) check(element, element.parentElement, backgroundColor, 3);
  }
  return [count, found];
};
