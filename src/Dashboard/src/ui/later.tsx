import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { Fault } from './fault';
import { Part } from './part';
import type { Later } from './registry';

/** Draws a component that may still have to be fetched. */
export function Shown<P extends object>({
  view,
  props,
  what,
}: {
  view: Later<ComponentType<P>>;
  props: P;
  what: string;
}) {
  const part = view instanceof Part ? view : null;
  useEffect(() => {
    // A script may be fetched only while the host's proof is fresh; the shell fetches every part then.
    if (part?.missing.peek() === true) void part.fetch();
  }, [part]);
  const View = part === null ? (view as ComponentType<P>) : part.code.value;
  if (View !== null) return <View {...props} />;
  return part?.missing.value === true ? (
    <Fault error={`The code of ${what} could not be loaded; it is fetched again with the next contact to the host.`} />
  ) : (
    <p class="dim" role="status">
      <span class="spinner" aria-hidden="true" /> loading …
    </p>
  );
}
