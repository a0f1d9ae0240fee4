using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Runs;

namespace Hive.Features.Containers.Verbs;

/// <summary>A request that does something with agents: one by name, or several by scope.</summary>
internal interface IAgentVerb
{
    Caller Caller { get; }

    string? Name { get; }

    AgentScope? Scope { get; }
}

/// <summary>The fields that start, stop, restart, rebuild and kill share.</summary>
internal abstract record AgentVerb(
    Caller Caller,
    [property: Description("The agent's name.")] string? Name,
    [property: Description("Several agents at once, instead of 'name'.")] AgentScope? Scope
) : IAgentVerb;

/// <summary>Several agents at once.</summary>
/// <param name="AgentNames">At least one; an empty list never means everything.</param>
internal sealed record AgentScope(IReadOnlyList<string> AgentNames);

/// <summary>Runs a verb on each of its agents under a transient, so that one thing at a time is done with an
/// agent.</summary>
internal sealed class VerbRunner(IRoster roster, Transients transients)
{
    public async Task<Accepted> Run(IAgentVerb command, string kind, Func<string, Task> run)
    {
        var names = command.Scope?.AgentNames ?? [command.Name!];
        foreach (var name in names)
        {
            if (roster.Require(name).IsManager && command.Caller.Kind == CallerKind.Manager)
                throw Problem.Forbidden("the manager cannot run this verb on itself; ask the operator");
        }

        List<(string Name, Problem Problem)> failed = [];
        foreach (var name in names)
        {
            try
            {
                await using var guard = await transients.Begin(name, kind);
                await run(name);
            }
            catch (Problem e)
            {
                // A failure of one agent does not affect the others.
                failed.Add((name, e));
            }
        }

        return failed switch
        {
            [] => Accepted.Instance,
            [var only] => throw Of(names.Count, only),
            _ => throw new Problem(
                failed[0].Problem.Code,
                $"{failed.Count} of {names.Count} failed: "
                    + string.Join("; ", failed.Select(f => $"{f.Name}: {f.Problem.Message}")),
                failed[0].Problem
            ),
        };
    }

    private static Problem Of(int asked, (string Name, Problem Problem) failed) =>
        asked == 1
            ? failed.Problem
            : new Problem(
                failed.Problem.Code,
                $"{failed.Name}: {failed.Problem.Message}; the other {asked - 1} are done",
                failed.Problem
            );
}

/// <summary>The rules of a verb's target.</summary>
internal static class VerbRules
{
    private const int ShownCharacters = 40;

    public static void MustNameAgents<T>(this IRuleBuilder<T, T> rule, IAgentNames names)
        where T : IAgentVerb =>
        rule.Custom(
            (verb, context) =>
            {
                if (verb.Name is null == verb.Scope is null)
                    context.AddFailure("give either 'name' or 'scope'");
                else if (verb.Scope is { AgentNames.Count: 0 })
                    context.AddFailure(
                        "'scope.agent_names' is empty; name the agents, an empty scope never means all of them"
                    );
                else if (
                    (verb.Scope?.AgentNames ?? [verb.Name!]).FirstOrDefault(n => !names.IsWellFormed(n)) is { } wrong
                )
                    context.AddFailure(
                        $"'{TextRules.CutCharacters(wrong, ShownCharacters)}' is not a valid agent name; "
                            + AgentNameRules.Form
                    );
            }
        );
}
