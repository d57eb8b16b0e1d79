/**
 * What went wrong, in a sentence for the person in front of the page.
 *
 * `then` says what may help: "again" (the same picture once more), "wait" (the server is away), or nothing.
 */
export class Problem extends Error {
  constructor(message, then = "") {
    super(message);
    this.then = then;
  }
}
