/** A wait that can be cut short, one at a time. */
export class Wait {
  #end: (() => void) | null = null;

  for(ms: number, stopped: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        stopped.removeEventListener('abort', end);
        if (this.#end === end) this.#end = null;
        resolve();
      };
      const timer = setTimeout(end, ms);
      stopped.addEventListener('abort', end);
      this.#end = end;
    });
  }

  /** Ends the wait now; false when there is none. */
  cut(): boolean {
    const waited = this.#end !== null;
    this.#end?.();
    return waited;
  }
}
