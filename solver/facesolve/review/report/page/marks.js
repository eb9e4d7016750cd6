// What a person decides: approved, rejected or noted, by frames; kept in review.json beside the solution.

const MARK_WORDS = { approved: 'Approved', rejected: 'Rejected', noted: 'Note' };
const reviewMarks = (DATA.review ?? []).map((mark) => ({ ...mark }));

function showMarks() {
  const whole = button('Whole take', 'Take all frames', () => setRange(0, LAST));
  const here = button('This frame', 'Take the frame that is shown', () => setRange(state.frame, state.frame));
  const first = rangeField('mark-first', 'First frame', DATA.frames[0]);
  const last = rangeField('mark-last', 'Last frame', DATA.frames[LAST]);
  const text = make('input', { type: 'search', id: 'mark-text', placeholder: 'Note …', attributes: { 'aria-label': 'Note' } });
  const add = (mark) => button(MARK_WORDS[mark], `${MARK_WORDS[mark]} for these frames`, () => addMark(mark), `button ${mark}`);
  byId('mark-tools').append('Frames ', first, ' to ', last, whole, here, text, ...Object.keys(MARK_WORDS).map(add));
  byId('mark-save').append(button('Save review.json', 'Write the decisions into a file beside the solution', saveReview));
  listMarks();
}

function rangeField(id, name, value) {
  const attributes = { 'aria-label': name };
  return make('input', { type: 'number', id, value, min: DATA.frames[0], max: DATA.frames[LAST], attributes });
}

function setRange(first, last) {
  byId('mark-first').value = DATA.frames[first];
  byId('mark-last').value = DATA.frames[last];
}

function addMark(mark) {
  const [first, last] = [byId('mark-first'), byId('mark-last')].map((field) => nearestIndex(Number(field.value)));
  const [low, high] = [Math.min(first, last), Math.max(first, last)];
  reviewMarks.push({ first: DATA.frames[low], last: DATA.frames[high], mark, text: byId('mark-text').value.trim() });
  byId('mark-text').value = '';
  listMarks('not saved yet');
}

function listMarks(note = '') {
  const items = reviewMarks.map((mark, place) => {
    const frames = mark.first === mark.last ? `${mark.first}` : `${mark.first}–${mark.last}`;
    const go = button(frames, `Go to frame ${mark.first}`, () => bringUp(nearestIndex(mark.first)), 'chip');
    const drop = button('×', `Take back ${MARK_WORDS[mark.mark]} of ${frames}`, () => {
      reviewMarks.splice(place, 1);
      listMarks('not saved yet');
    }, 'drop');
    return make('li', { className: mark.mark }, make('b', {}, MARK_WORDS[mark.mark]), go, make('span', {}, mark.text ?? ''), drop);
  });
  const none = make('li', { className: 'quiet' }, 'Nothing is decided yet. Approve, reject or note frames, then save.');
  byId('mark-list').replaceChildren(...(items.length ? items : [none]));
  byId('mark-note').replaceChildren(note);
}

function reviewText() {
  const plain = reviewMarks.map(({ first, last, mark, text }) => ({ first, last, mark, text: text ?? '' }));
  return `${JSON.stringify({ schema: 1, kind: 'facesolve review', marks: plain }, null, 1)}\n`;
}

/** Writes where the person says, if the browser lets a page ask; else the file goes to the downloads. */
async function saveReview() {
  if (window.showSaveFilePicker) {
    try {
      const file = await window.showSaveFilePicker({ suggestedName: 'review.json', types: [{ accept: { 'application/json': ['.json'] } }] });
      const stream = await file.createWritable();
      await stream.write(reviewText());
      await stream.close();
      listMarks(`saved as ${file.name}`);
      return;
    } catch (error) {
      if (error.name === 'AbortError') return;
    }
  }
  const address = URL.createObjectURL(new Blob([reviewText()], { type: 'application/json' }));
  make('a', { href: address, download: 'review.json' }).click();
  URL.revokeObjectURL(address);
  listMarks(`downloaded; move it into ${DATA.take.solution}`);
}
