using Hive.Common.Errors;
using Hive.Protocol;

namespace Hive.Features.Workflows.Contracts;

/// <summary>The workflows and patterns of this Hive, from memory. Each answer is an immutable record; inside a write
/// the answers are those of the write.</summary>
internal interface IWorkflows
{
    /// <summary>All workflows, by name.</summary>
    IReadOnlyList<WorkflowView> All { get; }

    /// <summary>The workflow of tickets that name none.</summary>
    Workflow Default { get; }

    /// <summary>The workflow of that name, without regard to case; null when there is not one.</summary>
    Workflow? Find(string name);

    /// <summary>The workflow of that name, without regard to case; the default one for null.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>, with workflows of similar names.</exception>
    Workflow Require(string? name);

    /// <summary>All patterns, by name.</summary>
    IReadOnlyList<PatternView> Patterns { get; }

    /// <summary>The pattern of that name, without regard to case.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>, with patterns of similar names.</exception>
    Pattern RequirePattern(string name);
}
