import { features, type Place } from '../ui/feature';

/** The place that a path means, and what the path names of it; the first feature that takes the path has it. */
export function placeAt(path: string): (Place & { name: string }) | null {
  for (const { places = [] } of features.value)
    for (const place of places) {
      const name = place.match(path);
      if (name !== null) return { ...place, name };
    }
  return null;
}

/** What the window is called there. */
export function titleAt(path: string): string {
  const place = placeAt(path);
  const title = place?.title(place.name) ?? '';
  return title === '' ? 'HIVE' : `${title} · HIVE`;
}
