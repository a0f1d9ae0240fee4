import { describe, expect, test } from 'vitest';
import type { DashboardEvent } from '../api/events';
import { snapshotOf } from '../test/loaded';
import { Picture } from './picture';

const removed = (name: string, seq: number) => ({ kind: 'container_removed', seq, name }) as const;

function loaded() {
  const heard: string[] = [];
  const picture = new Picture([
    { snapshot: ({ host }) => heard.push(`snapshot of ${host}`) },
    { events: { container_removed: ({ name }) => heard.push(name) } },
    { events: { container_removed: ({ name }) => heard.push(`${name} too`) } },
  ]);
  picture.applySnapshot(snapshotOf());
  return { picture, heard };
}

describe('an event', () => {
  test('goes to every store that declares its kind', () => {
    const { picture, heard } = loaded();
    expect(picture.apply('e-11', removed('x', 11))).toBe(true);
    expect(heard).toEqual(['snapshot of h', 'x', 'x too']);
  });

  test('that the snapshot holds already, or of another run of the host, changes nothing', () => {
    const { picture, heard } = loaded();
    expect(picture.apply('e-10', removed('x', 10))).toBe(false);
    expect(picture.apply('f-99', removed('x', 99))).toBe(false);
    expect(picture.apply('e-11', removed('y', 11))).toBe(true);
    expect(picture.apply('e-11', removed('z', 11))).toBe(false);
    expect(heard).toEqual(['snapshot of h', 'y', 'y too']);
    expect(picture.cursor).toBe('e-11');
  });

  test('of a kind that no store declares counts as seen', () => {
    const { picture } = loaded();
    expect(picture.apply('e-11', { kind: 'new_kind', seq: 11 } as unknown as DashboardEvent)).toBe(true);
    expect(picture.cursor).toBe('e-11');
  });
});
