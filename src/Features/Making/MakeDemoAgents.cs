using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using MediatR;

namespace Hive.Features.Making;

/// <summary>
/// Makes two scripted agents that work together, ask the operator one question and report once: for a first look at a
/// Hive without agents.
/// </summary>
internal static class MakeDemoAgents
{
    private const string External = "external";
    private const int RuntimeBytes = 100;

    internal sealed record Command(string? Runtime = null) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<string> Names);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Runtime).MustBeText(RuntimeBytes);
    }

    internal sealed class Handler(IAgentLifecycle lifecycle, IRoster roster) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var asked = string.IsNullOrWhiteSpace(command.Runtime) ? null : command.Runtime;
            var runtime = await lifecycle.ChooseRuntime(asked, cancellationToken);
            if (runtime == External)
                throw Problem.Invalid(
                    "the runtime 'external' starts no programs, and these agents are Hive's own; name another one in "
                        + "'runtime', such as sandbox, or process (no isolation)"
                );
            foreach (var (name, _) in DemoAgents.All)
            {
                if (roster.Find(name) is not null)
                    throw Problem.Conflict(
                        $"agent '{name}' already exists; remove it first (POST /api/demo-agents/remove, or "
                            + $"`hive destroy {name} --purge`)"
                    );
            }

            List<string> made = [];
            try
            {
                foreach (var (name, script) in DemoAgents.All)
                {
                    await lifecycle.Spawn(
                        name,
                        runtime,
                        new AgentSetup(FirstConfiguration.Scripted(script), write => DemoAgents.Add(write, name))
                    );
                    made.Add(name);
                }
            }
            catch (Problem)
            {
                // One alone would wait for the other.
                foreach (var name in made)
                    await lifecycle.Destroy(name, purge: true);
                throw;
            }

            return new Result([.. made.Order(StringComparer.Ordinal)]);
        }
    }
}
