using System.Runtime.CompilerServices;
using System.Threading.Channels;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Follows messages as they are sent: a first line without a message, then a line for each.</summary>
internal static class FollowMessages
{
    /// <param name="Agent">Only messages from or to this principal.</param>
    /// <param name="With">Only messages between this principal and <paramref name="Agent"/>.</param>
    internal sealed record Query(string? Agent = null, string? With = null)
        : IRequest<IAsyncEnumerable<object>>,
            IWaitingRequest;

    internal sealed record Result(Message Message);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => MessageParties.Check(this, q => q.Agent, q => q.With);
    }

    internal sealed class Handler(SentMessages sent) : IRequestHandler<Query, IAsyncEnumerable<object>>
    {
        // A reader that falls this far behind misses the oldest messages; the history has them.
        private const int Backlog = 1024;

        public Task<IAsyncEnumerable<object>> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(Follow(request, CancellationToken.None));

        private async IAsyncEnumerable<object> Follow(Query request, [EnumeratorCancellation] CancellationToken ct)
        {
            var messages = Channel.CreateBounded<Message>(
                new BoundedChannelOptions(Backlog) { FullMode = BoundedChannelFullMode.DropOldest }
            );
            void Add(Message message)
            {
                if (MessageParties.Match(message, request.Agent, request.With))
                    messages.Writer.TryWrite(message);
            }

            sent.Added += Add;
            try
            {
                yield return Done.Instance;
                await foreach (var message in messages.Reader.ReadAllAsync(ct))
                    yield return new Result(EventSentence.With(message));
            }
            finally
            {
                sent.Added -= Add;
            }
        }
    }
}

/// <summary>Tells subscribers of every message that was sent.</summary>
internal sealed class SentMessages : ICommitObserver
{
    /// <summary>Called on the publisher's thread, after the commit: it must be quick.</summary>
    public event Action<Message>? Added;

    public void OnCommitted(INotification notification)
    {
        if (notification is MessageChanged { Kind: "sent" } change)
            Added?.Invoke(change.Message);
    }
}
