using System.Runtime.CompilerServices;
using System.Threading.Channels;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Waiting;

/// <summary>Follows what waits for the operator: a line with all rows, then another after changes, at most
/// four a second.</summary>
internal static class SubscribeWaiting
{
    internal sealed record Query(string? Kind = null, string? Agent = null, bool? Snoozed = null)
        : IRequest<IAsyncEnumerable<object>>,
            IWaitingRequest;

    internal sealed record Rows(IReadOnlyList<WaitingView> Waiting);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(WaitingList list) => RuleFor(q => q.Kind).MustBeKind(list);
    }

    internal sealed class Handler(WaitingList list, TimeProvider clock)
        : IRequestHandler<Query, IAsyncEnumerable<object>>
    {
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

        public Task<IAsyncEnumerable<object>> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(Follow(request, CancellationToken.None));

        private async IAsyncEnumerable<object> Follow(Query request, [EnumeratorCancellation] CancellationToken ct)
        {
            // One token: a slow reader gets one line for many changes.
            var changes = Channel.CreateBounded<bool>(
                new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
            );
            void Ring(WaitingView? row, string key) => changes.Writer.TryWrite(true);
            list.Changed += Ring;
            try
            {
                yield return Now(request);
                await foreach (var _ in changes.Reader.ReadAllAsync(ct))
                {
                    yield return Now(request);
                    await Task.Delay(Pause, clock, ct);
                }
            }
            finally
            {
                list.Changed -= Ring;
            }
        }

        private Rows Now(Query request) =>
            new(ListWaiting.Filtered(list, request.Kind, request.Agent, request.Snoozed));
    }
}
