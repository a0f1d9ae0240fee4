import { useEffect, useRef, useState } from 'preact/hooks';
import { address } from '../../ui/address';
import type { WaitingDetail } from '../../ui/registry';
import { AgentText } from '../files';
import { LoginPanel } from './login';
import { AgentLive } from './store';

/** The login of an agent's tool, in place. */
export function LoginDetail({ row: { key, agent, title, detail, refs }, decided }: WaitingDetail) {
  const passed = useRef(false);
  useEffect(
    () => () => {
      // The code that was passed here has worked: the thing is gone, and the next one is shown.
      if (passed.current && address.peek() === `/waiting/${encodeURIComponent(key)}`) decided();
    },
    [],
  );
  return (
    <>
      <AgentText text={title} refs={refs} />
      {detail == null ? null : <AgentText text={detail} refs={refs} />}
      {agent == null ? null : <InPlace key={agent} name={agent} onPassed={() => (passed.current = true)} />}
    </>
  );
}

function InPlace({ name, onPassed }: { name: string; onPassed: () => void }) {
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
      <LoginPanel name={name} it={it} onPassed={onPassed} />
    </div>
  );
}
