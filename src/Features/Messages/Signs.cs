using System.Collections.Concurrent;
using Hive.Features.Messages.Contracts;

namespace Hive.Features.Messages;

/// <inheritdoc />
internal sealed class Signs : IHarnessSigns
{
    private readonly ConcurrentDictionary<string, Expected> expected = new();

    public HarnessSigns Expect(string agent)
    {
        var next = expected[agent] = new Expected();
        return new HarnessSigns(next.Hello.Task, next.Asks.Task);
    }

    /// <summary>It has said hello.</summary>
    public void Hello(string agent)
    {
        if (expected.TryGetValue(agent, out var awaited))
            awaited.Hello.TrySetResult();
    }

    public void CameUp(string agent) => Asks(agent);

    /// <summary>It asks for messages, which every agent does again and again.</summary>
    public void Asks(string agent)
    {
        if (!expected.TryGetValue(agent, out var awaited) || !expected.TryRemove(KeyValuePair.Create(agent, awaited)))
            return;
        awaited.Hello.TrySetResult();
        awaited.Asks.TrySetResult();
    }

    private sealed class Expected
    {
        public TaskCompletionSource Hello { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Asks { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
