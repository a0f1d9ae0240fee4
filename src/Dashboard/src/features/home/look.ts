const KEPT = 'hive.looked';
/** A shorter absence is the same look. */
const SAME_MS = 15 * 60_000;

interface Look {
  /** Everything before was seen. */
  since: number;
  /** When the overview was left. */
  left: number;
}

/** When the operator looked at the overview the time before, in this browser; null for the first time. */
export function lastLook(stored: string | null, now: number): number | null {
  const look = lookIn(stored);
  if (look === null) return null;
  return now - look.left < SAME_MS ? look.since : look.left;
}

/** The record of a look that ends now. */
export const lookUntil = (since: number | null, now: number): string =>
  JSON.stringify({ since: since ?? now, left: now } satisfies Look);

function lookIn(stored: string | null): Look | null {
  try {
    const { since, left } = JSON.parse(stored ?? '') as Partial<Look>;
    return typeof since === 'number' && typeof left === 'number' ? { since, left } : null;
  } catch {
    return null;
  }
}

export function readLook(): number | null {
  try {
    return lastLook(localStorage.getItem(KEPT), Date.now());
  } catch {
    return null;
  }
}

export function keepLook(since: number | null): void {
  try {
    localStorage.setItem(KEPT, lookUntil(since, Date.now()));
  } catch {
    // The storage is full or forbidden: the overview says nothing of what happened since.
  }
}
