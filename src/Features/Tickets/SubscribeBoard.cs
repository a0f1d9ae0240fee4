using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Hive.Common.Doors;
using Hive.Features.Workflows.Contracts;
using MediatR;

namespace Hive.Features.Tickets;

/// <summary>Follows a board: a line with its columns, then another after changes of columns or tickets, at most four a
/// second.</summary>
internal static class SubscribeBoard
{
    /// <param name="Workflow">The workflow; null for the default one.</param>
    internal sealed record Query(string? Workflow = null) : IRequest<IAsyncEnumerable<object>>, IWaitingRequest;

    internal sealed class Handler(IWorkflows workflows, ColumnCounts counts, TicketCards cards)
        : IRequestHandler<Query, IAsyncEnumerable<object>>
    {
        public Task<IAsyncEnumerable<object>> Handle(Query query, CancellationToken cancellationToken)
        {
            var workflow = workflows.Require(query.Workflow).Name;
            return Task.FromResult(Follow(workflow, CancellationToken.None));
        }

        private async IAsyncEnumerable<object> Follow(string workflow, [EnumeratorCancellation] CancellationToken ct)
        {
            // One token: a slow reader gets one line for many changes.
            var changes = Channel.CreateBounded<bool>(
                new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
            );
            void Ring() => changes.Writer.TryWrite(true);
            cards.Published += Ring;
            try
            {
                yield return ShowBoard.Of(workflows.Require(workflow), counts);
                await foreach (var _ in changes.Reader.ReadAllAsync(ct))
                    yield return ShowBoard.Of(workflows.Require(workflow), counts);
            }
            finally
            {
                cards.Published -= Ring;
            }
        }
    }
}
