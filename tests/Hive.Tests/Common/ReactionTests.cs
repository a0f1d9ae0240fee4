using MediatR;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Common;

public sealed class ReactionTests
{
    [Fact]
    public async Task A_failing_reaction_affects_no_other_reaction_caller_or_notification()
    {
        var seen = new Seen(2);
        await using var rig = new StoreRig(configure: services =>
            services
                .AddSingleton<INotificationHandler<StoreRig.RowAdded>>(new Throws())
                .AddSingleton<INotificationHandler<StoreRig.RowAdded>>(seen)
        );
        await rig.Add(1);
        await rig.Add(2);
        Assert.Equal([1, 2], await seen.All);
    }

    [Fact]
    public async Task A_reaction_that_never_ends_delays_neither_caller_nor_events()
    {
        await using var rig = new StoreRig(configure: services =>
            services.AddSingleton<INotificationHandler<StoreRig.RowAdded>>(new NeverEnds())
        );
        await rig.Add(1);
        await rig.Add(2);
        Assert.Equal([new StoreRig.RowAdded(1), new StoreRig.RowAdded(2)], rig.Published);
    }

    [Fact]
    public async Task A_reaction_can_write()
    {
        var seen = new Seen(2);
        StoreRig? rig = null;
        rig = new StoreRig(configure: services =>
            services
                .AddSingleton<INotificationHandler<StoreRig.RowAdded>>(new Answers(() => rig!))
                .AddSingleton<INotificationHandler<StoreRig.RowAdded>>(seen)
        );
        await using var owned = rig;
        await rig.Add(1);
        Assert.Equal([1, 100], await seen.All);
        Assert.Equal([1, 100], await rig.Values());
    }

    private sealed class Throws : INotificationHandler<StoreRig.RowAdded>
    {
        public Task Handle(StoreRig.RowAdded notification, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("a reaction failed");
    }

    private sealed class NeverEnds : INotificationHandler<StoreRig.RowAdded>
    {
        public Task Handle(StoreRig.RowAdded notification, CancellationToken cancellationToken) =>
            Task.Delay(Timeout.Infinite, cancellationToken);
    }

    private sealed class Answers(Func<StoreRig> rig) : INotificationHandler<StoreRig.RowAdded>
    {
        public Task Handle(StoreRig.RowAdded notification, CancellationToken cancellationToken) =>
            notification.Value == 1 ? rig().Add(100) : Task.CompletedTask;
    }

    private sealed class Seen(int count) : INotificationHandler<StoreRig.RowAdded>
    {
        private readonly List<int> values = [];
        private readonly TaskCompletionSource<IReadOnlyList<int>> all = new();

        public Task<IReadOnlyList<int>> All => all.Task;

        public Task Handle(StoreRig.RowAdded notification, CancellationToken cancellationToken)
        {
            values.Add(notification.Value);
            if (values.Count == count)
                all.SetResult(values);
            return Task.CompletedTask;
        }
    }
}
