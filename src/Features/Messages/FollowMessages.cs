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
    /// <param name="With">Of those, only messages from or to this one.</param>
    internal sealed record Query(string? Agent = null, string? With = null)
        : IRequest<IAsyncEnumerable<object>>,
            IWaitingRequest;

    internal sealed record Result(Message Message);

    internal sealed class Validator : AbstractValidator<Query>
    {
        private const int NameBytes = 100;

        public Validator()
        {
            RuleFor(q => q.Agent).MustBeText(NameBytes);
            RuleFor(q => q.With).MustBeText(NameBytes);
        }
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
                if (IsBy(message, request.Agent) && IsBy(message, request.With))
                    messages.Writer.TryWrite(message);
            }

            sent.Added += Add;
            try
            {
                yield return Done.Instance;
                await foreach (var message in messages.Reader.ReadAllAsync(ct))
                    yield return new Result(message);
            }
            finally
            {
                sent.Added -= Add;
            }
        }

        private static bool IsBy(Message message, string? name) =>
            name is null || message.From == name || message.To == name;
    }
}

/// <summary>Tells subscribers of every message that was sent.</summary>
internal sealed class SentMessages : ICommitObserver
{
    /// <summary>Called on the writer's thread, after the commit.</summary>
    public event Action<Message>? Added;

    public void OnCommitted(INotification notification)
    {
        if (notification is MessageChanged { Kind: "sent" } change)
            Added?.Invoke(change.Message);
    }
}
