using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Names the program on a connection; inside a running turn, also binds the connection to the turn.</summary>
internal static class Hello
{
    internal sealed record Command(Caller Caller, string? Client = null, long? Turn = null) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Client).MustBeText(200);
    }

    internal sealed class Handler(Chunks chunks, Leases leases, HarnessStartups startups)
        : IRequestHandler<Command, Done>
    {
        public async Task<Done> Handle(Command command, CancellationToken cancellationToken)
        {
            if (command.Turn is { } turn)
            {
                await chunks.Write(
                    write => leases.Join(write, command.Caller, turn),
                    (write, ids) => leases.MoveToHolder(write, command.Caller, turn, ids)
                );
            }

            startups.SaidHello(command.Caller.Name);
            return Done.Instance;
        }
    }
}
