using FluentValidation;
using Hive.Common.Doors;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Moves a ticket on if its gate has passed and nothing keeps it.</summary>
internal static class CheckAdvance
{
    internal sealed record Command(long Id, Caller Caller) : IRequest<AutoTransition.Result>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("ticket");
    }

    internal sealed class Handler(AutoTransition.Steps steps) : IRequestHandler<Command, AutoTransition.Result>
    {
        public Task<AutoTransition.Result> Handle(Command command, CancellationToken cancellationToken) =>
            steps.Advance(command.Id, command.Caller.Name);
    }
}
