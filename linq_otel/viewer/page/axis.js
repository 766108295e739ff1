// One time axis on which milliseconds and hours can both be seen: long waits are folded into a
// narrow band, the rest keeps one scale.

const WAIT_SHARE = 0.12; // A wait is folded if it takes more of the width than this.
const EDGE_SHARE = 0.03; // What stays of a wait at either side of its fold.
const FOLDS_SHARE = 0.5; // What all folds may take,
const MOST_FOLDS = 6; // and how many there are.

function chooseFolds(waits, length) {
  const folds = [];
  let shown = length;
  for (const wait of [...waits].sort((a, b) => b.to - b.from - (a.to - a.from))) {
    if (wait.to - wait.from <= WAIT_SHARE * shown) break;
    shown -= wait.to - wait.from;
    folds.push(wait);
    if (folds.length === MOST_FOLDS) break;
  }
  return folds.sort((a, b) => a.from - b.from);
}

// `open` holds the waits (by their `from`) a person unfolded.
function layAxis(length, waits, open, foldShare) {
  const folds = chooseFolds(waits, length).filter((it) => !open.has(it.from));
  const kept = length - folds.reduce((sum, it) => sum + it.to - it.from, 0);
  const each = folds.length ? Math.min(foldShare, FOLDS_SHARE / folds.length) : 0;
  const stretches = cut(length, folds, kept);
  const plain = stretches.reduce((sum, it) => sum + (it.folded ? 0 : it.to - it.from), 0);
  let left = 0;
  return stretches.map((it) => {
    const width = it.folded ? each : ((it.to - it.from) / plain) * (1 - each * folds.length);
    left += width;
    return { ...it, left: left - width, width };
  });
}

function cut(length, folds, kept) {
  const stretches = [];
  let at = 0;
  for (const fold of folds) {
    const edge = Math.min(Math.max(kept, length / 1e6) * EDGE_SHARE, (fold.to - fold.from) * 0.4);
    stretches.push({ from: at, to: fold.from + edge, folded: null });
    stretches.push({ from: fold.from + edge, to: fold.to - edge, folded: fold });
    at = fold.to - edge;
  }
  return [...stretches, { from: at, to: length, folded: null }];
}

// Where a moment stands, from 0 to 1; later is never further left.
function toShare(pieces, offset) {
  const piece = pieces.findLast((it) => it.from <= offset) ?? pieces[0];
  const inside = (offset - piece.from) / Math.max(piece.to - piece.from, 1e-9);
  return piece.left + Math.min(Math.max(inside, 0), 1) * piece.width;
}

function toOffset(pieces, share) {
  const piece = pieces.findLast((it) => it.left <= share) ?? pieces[0];
  const inside = Math.min(Math.max((share - piece.left) / Math.max(piece.width, 1e-9), 0), 1);
  return piece.from + inside * (piece.to - piece.from);
}

export { chooseFolds, layAxis, toOffset, toShare };
