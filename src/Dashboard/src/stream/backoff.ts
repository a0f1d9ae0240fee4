/** The wait before try number <attempt> (0 = first) at the snapshot: 1 s doubling to 30 s, its upper half random. */
export function resyncDelay(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(30_000, 2000 * 2 ** Math.min(attempt, 10));
  return Math.max(1000, ceiling / 2 + (random() * ceiling) / 2);
}
