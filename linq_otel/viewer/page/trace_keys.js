// The keys of the trace page: those every tree of rows has, and its own.

// With Shift the arrows move the time instead.
function listTreeKeys({ picture, looking }) {
  const sidewards = (direction, go) => (event) => (event.shiftKey ? looking.pan(direction) : go());
  return [
    {
      keys: ["ArrowRight"],
      words: "open the row, or go into it; with Shift, look later",
      run: sidewards(1, () => picture.open()),
    },
    {
      keys: ["ArrowLeft"],
      words: "close the row, or go up; with Shift, look earlier",
      run: sidewards(-1, () => picture.close()),
    },
    { keys: ["PageDown"], words: "a page down", run: () => picture.step(picture.pageRows()) },
    { keys: ["PageUp"], words: "a page up", run: () => picture.step(-picture.pageRows()) },
    { keys: ["Home"], words: "first row", run: () => picture.step(-Infinity) },
    { keys: ["End"], words: "last row", run: () => picture.step(Infinity) },
  ];
}

function listEscape(page) {
  return {
    keys: ["Escape"],
    words: "close the details; then back to the messages",
    run: () => page.escape(),
  };
}

function listTraceKeys(page) {
  return [
    { keys: ["j", "ArrowDown"], words: "next row", run: () => page.step(1) },
    { keys: ["k", "ArrowUp"], words: "row before", run: () => page.step(-1) },
    ...listTreeKeys(page),
    { keys: ["Enter"], words: "show the details", run: () => page.enter() },
    { keys: ["l"], words: "walk along a link", run: () => page.walkOn() },
    { keys: ["b"], words: "back to where you came from", run: () => history.back() },
    ...page.looking.actions,
    { keys: ["c"], words: "copy the id of the span or trace", run: () => page.copy() },
    listEscape(page),
  ];
}

export { listEscape, listTraceKeys };
