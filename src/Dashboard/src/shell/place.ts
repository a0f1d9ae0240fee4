import { features, type Place } from '../ui/feature';

/** The place of a path, and the name in the path; the first feature that matches it wins. */
export function placeAt(path: string): (Place & { name: string }) | null {
  for (const { places = [] } of features.value)
    for (const place of places) {
      const name = place.match(path);
      if (name !== null) return { ...place, name };
    }
  return null;
}

/** The window's title at a path. */
export function titleAt(path: string): string {
  const place = placeAt(path);
  const title = place?.title(place.name) ?? '';
  return title === '' ? 'HIVE' : `${title} · HIVE`;
}
