using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Hive.Common.Doors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Dashboard;

/// <summary>Follows agents' rows: a first line without rows, then a line with the changed rows after each change, or
/// with the name of an agent that is gone.</summary>
internal static class SubscribeAgentStatus
{
    internal sealed record Query : IRequest<IAsyncEnumerable<object>>, IWaitingRequest;

    internal sealed record Gone(string Removed);

    internal sealed class Handler(AgentRows rows) : IRequestHandler<Query, IAsyncEnumerable<object>>
    {
        // A reader that falls this far behind misses the oldest changes; agent_status shows all current rows.
        private const int Backlog = 256;

        public Task<IAsyncEnumerable<object>> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(Follow(CancellationToken.None));

        private async IAsyncEnumerable<object> Follow([EnumeratorCancellation] CancellationToken ct)
        {
            var changes = Channel.CreateBounded<object>(
                new BoundedChannelOptions(Backlog) { FullMode = BoundedChannelFullMode.DropOldest }
            );
            void Add(IReadOnlyList<ContainerView> changed) => changes.Writer.TryWrite(new AgentStatus.Result(changed));
            void Remove(string name) => changes.Writer.TryWrite(new Gone(name));
            rows.Changed += Add;
            rows.Removed += Remove;
            try
            {
                yield return Done.Instance;
                await foreach (var changed in changes.Reader.ReadAllAsync(ct))
                    yield return changed;
            }
            finally
            {
                rows.Changed -= Add;
                rows.Removed -= Remove;
            }
        }
    }
}
