using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Makes a message to the operator unread again after it was acknowledged.</summary>
internal static class UnreadMessage
{
    internal sealed record Command(long Id) : IRequest<Result>;

    internal sealed record Result(Message Message);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("message");
    }

    internal sealed class Handler(IStore store, Leases leases) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write => new Result(EventSentence.With(leases.UndoAckRead(write, command.Id))),
                CancellationToken.None
            );
    }
}
