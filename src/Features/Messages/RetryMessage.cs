using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Retries a message that failed: its record is cleared and it is delivered again at once.</summary>
internal static class RetryMessage
{
    internal sealed record Command(long Id) : IRequest<Result>;

    internal sealed record Result(Message Message);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("message");
    }

    internal sealed class Handler(IStore store, FailedMessages failed) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write => new Result(EventSentence.With(failed.Retry(write, command.Id))),
                CancellationToken.None
            );
    }
}
