using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Workflows;

/// <summary>Loads a pattern from YAML; replaces one of the same name when asked to.</summary>
internal static class LoadPattern
{
    /// <param name="Text">The YAML.</param>
    /// <param name="Replace">Replaces the pattern of that name.</param>
    internal sealed record Command(string Text, bool Replace = false) : IRequest<Result>;

    internal sealed record Result(PatternView Pattern);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Text).MustBeText(WorkflowReader.MaxBytes);
    }

    internal sealed class Handler(IStore store, WorkflowSet workflows, TimeProvider clock)
        : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var read = PatternReader.Read(command.Text);
            return store.Write(
                write =>
                {
                    var before = workflows.FindPattern(read.Name);
                    if (before is not null && !command.Replace)
                        throw Problem.Conflict(
                            $"pattern '{before.Name}' already exists; replace it with 'replace', or choose another name"
                        );
                    var spec = read with { Name = before?.Name ?? read.Name };
                    var view = new PatternView(
                        Name: spec.Name,
                        Version: (before?.Version ?? 0) + 1,
                        Spec: spec,
                        LoadedAt: clock.GetUtcNow()
                    );
                    workflows.Put(write, view);
                    return new Result(view);
                },
                CancellationToken.None
            );
        }
    }
}
