// Stretches in which nothing but waiting happens: no span begins or ends, and none is at work. A
// stage of a message's life lasts while one waits, so it is no work.

const STAGE_NAME = "linq.stage";

function listChanges(spans) {
  const changes = [];
  for (const { raw, from, to } of spans) {
    const work = STAGE_NAME in raw.attributes || to === from ? 0 : 1;
    changes.push([from, work], [to, -work]);
  }
  return changes.sort((a, b) => a[0] - b[0]);
}

// All of them, however short: how much is worth a fold depends on what else is folded.
function findWaits(spans) {
  const waits = [];
  let atWork = 0;
  let before = 0;
  for (const [at, change] of listChanges(spans)) {
    if (!atWork && at > before) waits.push({ from: before, to: at });
    atWork += change;
    before = at;
  }
  return waits;
}

export { findWaits };
