using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Lists messages, all or those that match, a page at a time, the oldest of a page first.</summary>
internal static class MessageHistory
{
    internal const int PageSize = 200;

    /// <param name="Before">Only messages with a lower id.</param>
    /// <param name="Agent">Only messages from or to this principal.</param>
    /// <param name="With">Only messages between this principal and <paramref name="Agent"/>.</param>
    /// <param name="Kind"><c>agents</c>, <c>operator</c>, <c>system</c> or <c>reminders</c>.</param>
    /// <param name="Q">Words that the body contains.</param>
    /// <param name="Thread">Only messages of the thread to which this message belongs.</param>
    /// <param name="State"><c>unread</c> or <c>parked</c>.</param>
    /// <param name="Since">Only messages sent at this instant or later.</param>
    /// <param name="Until">Only messages sent before this instant.</param>
    internal sealed record Query(
        long? Before = null,
        string? Agent = null,
        string? With = null,
        string? Kind = null,
        string? Q = null,
        long? Thread = null,
        string? State = null,
        DateTimeOffset? Since = null,
        DateTimeOffset? Until = null
    ) : IRequest<Result>;

    internal sealed record Result(string Cursor, IReadOnlyList<Message> Messages);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator()
        {
            MessageParties.Check(this, q => q.Agent, q => q.With);
            RuleFor(q => q.Kind)
                .Must(kind => kind is null || MessageKind.All.Contains(kind))
                .WithMessage("'kind' must be agents, operator, system or reminders");
            RuleFor(q => q.Q).MustBeText(Limits.BodyBytes);
            RuleFor(q => q.Thread)
                .Must(thread => thread is null or > 0)
                .WithMessage("'thread' must be a positive message id");
            RuleFor(q => q.State)
                .Must(state => state is null or "unread" or "parked")
                .WithMessage("'state' must be unread or parked");
        }
    }

    internal sealed class Handler(IStore store, EventHub hub) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            // Taken before the read, so that an event between the two is replayed and not missed.
            var cursor = hub.Head.ToString();
            var search = new HistorySearch(request);
            var rows = await store.Read(db => search.Find(db, PageSize).Reverse().ToArray(), cancellationToken);
            return new Result(cursor, rows);
        }
    }
}
