using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>A turn begins: the messages it is about belong to it until it ends.</summary>
internal static class BeginTurn
{
    internal sealed record Command(Caller Caller, IReadOnlyList<long> Ids, string WakeFrom) : IRequest<Result>;

    internal sealed record Result(long Turn);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.WakeFrom).MustBeText(100);
            RuleFor(c => c.Ids)
                .Must(ids => ids is { Count: >= 1 and <= Limits.MaxBatch })
                .WithMessage($"'ids' holds the numbers of 1 to {Limits.MaxBatch} messages that were received");
        }
    }

    internal sealed class Handler(IStore store, Broker broker) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write => new Result(broker.BeginTurn(write, command.Caller.Name, command.Ids, command.WakeFrom)),
                CancellationToken.None
            );
    }
}
