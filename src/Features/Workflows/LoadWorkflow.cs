using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Common.Yaml;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Workflows;

/// <summary>Loads a workflow from YAML; replaces one of the same name when asked to.</summary>
internal static class LoadWorkflow
{
    /// <param name="Text">The YAML.</param>
    /// <param name="Replace">Replaces the workflow of that name.</param>
    /// <param name="Default">Tickets that name no workflow get this one.</param>
    /// <param name="Move">The removed phases, each with the phase that takes its tickets.</param>
    /// <param name="Caller">Who loads it.</param>
    internal sealed record Command(
        string Text,
        Caller Caller,
        bool Replace = false,
        bool Default = false,
        IReadOnlyDictionary<string, string>? Move = null
    ) : IRequest<Result>;

    /// <param name="Workflow">The workflow as it is stored.</param>
    /// <param name="PhasesLoaded">The number of its phases.</param>
    /// <param name="ColumnsLoaded">The number of its columns.</param>
    /// <param name="Moved">The number of tickets that were moved out of removed phases.</param>
    /// <param name="Warnings">Keys without effect, and likely slips.</param>
    internal sealed record Result(
        WorkflowView Workflow,
        int PhasesLoaded,
        int ColumnsLoaded,
        int Moved,
        IReadOnlyList<YamlWarning> Warnings
    );

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Text).MustBeText(WorkflowReader.MaxBytes);
            RuleFor(c => c.Move)
                .Must((command, move) => move is null || command.Replace)
                .WithMessage("'move' is for a workflow that is replaced; set 'replace' too");
        }
    }

    internal sealed class Handler(
        IStore store,
        WorkflowSet workflows,
        IEnumerable<IWorkflowTickets> tickets,
        TimeProvider clock
    ) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var (read, warnings) = WorkflowReader.Read(command.Text, Shipped.Workflow);
            return store.Write(write => Store(write, command, read, warnings), CancellationToken.None);
        }

        private Result Store(IWrite write, Command command, Workflow read, IReadOnlyList<YamlWarning> warnings)
        {
            var before = workflows.FindView(read.Name);
            if (before is not null && !command.Replace)
                throw Problem.Conflict(
                    $"workflow '{before.Name}' already exists; replace it with 'replace', or choose another name"
                );
            if (before is null && command.Move is { Count: > 0 })
                throw Problem.Invalid($"workflow '{read.Name}' does not exist yet; leave 'move' out");
            // Tickets refer to the spelling of the first load.
            var spec = read with
            {
                Name = before?.Name ?? read.Name,
            };
            var view = new WorkflowView(
                Name: spec.Name,
                Version: (before?.Version ?? 0) + 1,
                Title: spec.Title,
                IsDefault: command.Default || before is { IsDefault: true },
                Spec: spec,
                LoadedBy: command.Caller.Name,
                LoadedAt: clock.GetUtcNow()
            );
            var moves = before is null ? [] : Moves(write, before.Spec, spec, command.Move ?? Nowhere);
            workflows.Put(write, view);
            var moved = moves.Count == 0 ? 0 : tickets.Sum(t => t.Move(write, before!.Spec, moves));
            // A new one has no tickets yet.
            foreach (var owner in before is null ? [] : tickets)
                owner.MarkGates(write, spec.Name);
            return new Result(view, spec.Phases.Count, spec.BoardColumns.Count, moved, warnings);
        }

        private static readonly Dictionary<string, string> Nowhere = [];

        // The removed phases that have tickets, each with the phase that takes them.
        private Dictionary<string, string> Moves(
            IWrite write,
            Workflow before,
            Workflow after,
            IReadOnlyDictionary<string, string> given
        )
        {
            var (old, kept) = (Ids(before), Ids(after));
            foreach (var (from, to) in given)
            {
                if (!old.Contains(from) || kept.Contains(from))
                    throw Problem.Invalid($"'move' names {from}, which is not a removed phase");
                if (!kept.Contains(to) || to == Phase.BlockedId)
                    throw Problem.Invalid($"'move' leads to {to}, which is not a phase of the new workflow");
            }

            var lost = tickets
                .SelectMany(t => t.In(write.Db, before.Name))
                .Where(p => !kept.Contains(p.PhaseId))
                .ToArray();
            var unsaid = lost.Where(l => !given.ContainsKey(l.PhaseId)).ToArray();
            if (unsaid.Length > 0)
                throw Problem.Conflict(
                    "tickets are in phases that would be removed: "
                        + string.Join("; ", unsaid.Select(l => $"{l.PhaseId} has {Named([l])}"))
                        + "; name a new phase for each with 'move'"
                );
            return lost.ToDictionary(l => l.PhaseId, l => given[l.PhaseId]);
        }

        private static HashSet<string> Ids(Workflow workflow) => [.. workflow.Phases.Select(p => p.Id)];
    }

    /// <summary>Some tickets in words.</summary>
    internal static string Named(IReadOnlyCollection<TicketPlace> places)
    {
        var (count, named) = (places.Sum(p => p.Count), places.SelectMany(p => p.First).Order().Take(10).ToArray());
        return (count == 1 ? "ticket " : "tickets ")
            + string.Join(", ", named)
            + (count > named.Length ? $" and {count - named.Length} more" : "");
    }
}
