/** Notices that positions of a walk come again. */
export class Circle {
  // Brent's algorithm finds a cycle while it remembers a single cursor: the remembered cursor is replaced
  // after 1, 2, 4, 8 … pages. Once the stretch is longer than the cycle, the remembered cursor comes again.
  #remembered: string | null = null;
  #pages = 0;
  #stretch = 1;

  /** Call after each page. Whether this cursor was there before; a circle is noticed after a few rounds. */
  closesAt(cursor: string): boolean {
    if (cursor === this.#remembered) return true;
    if (++this.#pages === this.#stretch) {
      this.#remembered = cursor;
      this.#pages = 0;
      this.#stretch *= 2;
    }
    return false;
  }
}
