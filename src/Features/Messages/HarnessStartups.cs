using System.Collections.Concurrent;
using Hive.Features.Messages.Contracts;

namespace Hive.Features.Messages;

/// <inheritdoc />
internal sealed class HarnessStartups : IHarnessStartups
{
    private readonly ConcurrentDictionary<string, Expected> expected = new();

    public HarnessStartup Expect(string agent)
    {
        var next = expected[agent] = new Expected();
        return new HarnessStartup(next.Hello.Task, next.CameUp.Task);
    }

    /// <summary>Notes that the harness has said hello.</summary>
    public void SaidHello(string agent)
    {
        if (expected.TryGetValue(agent, out var awaited))
            awaited.Hello.TrySetResult();
    }

    /// <inheritdoc />
    public void CameUp(string agent)
    {
        if (!expected.TryGetValue(agent, out var awaited) || !expected.TryRemove(KeyValuePair.Create(agent, awaited)))
            return;
        awaited.Hello.TrySetResult();
        awaited.CameUp.TrySetResult();
    }

    private sealed class Expected
    {
        public TaskCompletionSource Hello { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource CameUp { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
