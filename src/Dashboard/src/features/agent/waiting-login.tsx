import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { address } from '../../ui/address';
import type { WaitingDetail } from '../../ui/registry';
import { AgentText } from '../files';
import { LoginPanel, type OnCode } from './login';
import { AgentLive } from './store';

/** The login of an agent's tool, in place. */
export function LoginDetail({ row: { key, agent, title, detail, refs }, decided }: WaitingDetail) {
  const sent = useRef<string | null>(null);
  // A passive clean-up runs after the paint: by then <Gone> has asked the host for the thing.
  useLayoutEffect(
    () => () => {
      // The code that was sent here has worked: the thing is gone, and the next one is shown.
      if (sent.current !== null && address.peek() === `/waiting/${encodeURIComponent(key)}`) decided(sent.current);
    },
    [],
  );
  return (
    <>
      <AgentText text={title} refs={refs} />
      {detail == null ? null : <AgentText text={detail} refs={refs} />}
      {agent == null ? null : <InPlace key={agent} name={agent} onCode={(code) => (sent.current = code)} />}
    </>
  );
}

function InPlace({ name, onCode }: { name: string; onCode: OnCode }) {
  const [it] = useState(() => new AgentLive(name, () => document.visibilityState === 'visible'));
  useEffect(() => {
    const shown = () => it.shown();
    document.addEventListener('visibilitychange', shown);
    it.start();
    return () => {
      document.removeEventListener('visibilitychange', shown);
      it.stop();
    };
  }, [it]);
  return (
    <div class="feature-agent">
      <LoginPanel name={name} it={it} onCode={onCode} />
    </div>
  );
}
