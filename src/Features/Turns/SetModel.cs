using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Turns.Contracts;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Sets the model that an agent uses from its next turn on, whether its harness is connected or not. Without a
/// model, the configured one is used again.</summary>
internal static class SetModel
{
    private const int ModelBytes = 100;

    internal sealed record Command(string Name, string? Model = null) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(c => c.Name).MustBeAgentsName(names);
            RuleFor(c => c.Model).MustBeText(ModelBytes);
            RuleFor(c => c.Model)
                .Must(m => m is null || !m.Any(char.IsControl))
                .WithMessage("'model' must be a name on one line");
        }
    }

    internal sealed class Handler(IStore store, IRoster roster, ModelOverrides overrides, Controls controls)
        : IRequestHandler<Command, Done>
    {
        public async Task<Done> Handle(Command command, CancellationToken cancellationToken)
        {
            var model = string.IsNullOrWhiteSpace(command.Model) ? null : command.Model.Trim();
            await store.Write(
                write =>
                {
                    var agent = roster.Require(command.Name).Name;
                    overrides.Change(write, agent, known => known with { Model = model, ModelSet = true });
                    write.Raise(new HarnessChanged(agent));
                },
                CancellationToken.None
            );
            controls.TellModel(command.Name);
            return Done.Instance;
        }
    }
}
