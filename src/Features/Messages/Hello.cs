using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>A connection says who it is and, if it does, to which running turn it belongs.</summary>
internal static class Hello
{
    internal sealed record Command(Caller Caller, string? Client = null, long? Turn = null) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Client).MustBeText(200);
    }

    internal sealed class Handler(IStore store, Broker broker, Signs signs) : IRequestHandler<Command, Done>
    {
        public async Task<Done> Handle(Command command, CancellationToken cancellationToken)
        {
            if (command.Turn is { } turn)
            {
                await Pieces.Write(
                    store,
                    write => broker.Join(write, command.Caller, turn),
                    (write, ids) => broker.JoinPiece(write, command.Caller, turn, ids)
                );
            }

            signs.Hello(command.Caller.Name);
            return Done.Instance;
        }
    }
}
