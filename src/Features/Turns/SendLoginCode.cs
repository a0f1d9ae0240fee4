using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Gives the login of an agent's tool the code that it waits for. The code is not stored.</summary>
internal static class SendLoginCode
{
    private const int CodeBytes = 4096;

    internal sealed record Command(string Name, string Code) : IRequest<Done>
    {
        // A code is a secret: no log shows it.
        public override string ToString() => $"login code of {Name}";
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(c => c.Name).MustBeAgentsName(names);
            RuleFor(c => c.Code)
                .Must(code => !string.IsNullOrWhiteSpace(code) && !code.Trim().Any(char.IsControl))
                .WithMessage("'code' must be only the code, on one line")
                .MustBeText(CodeBytes)
                .Must(code => !code.AsSpan().TrimStart().StartsWith("http", StringComparison.OrdinalIgnoreCase))
                .WithMessage("'code' is the address of a page; give the code that this page shows");
        }
    }

    internal sealed class Handler(IRoster roster, Controls controls) : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken)
        {
            controls.Ask(roster.Require(command.Name).Name, new Control(Control.LoginCode, Code: command.Code.Trim()));
            return Task.FromResult(Done.Instance);
        }
    }
}
