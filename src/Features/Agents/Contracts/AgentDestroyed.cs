using MediatR;

namespace Hive.Features.Agents.Contracts;

/// <summary>Raised when an agent was destroyed. It lies here because slices beside the one that destroys must hear of
/// it.</summary>
/// <param name="Agent">Its name, which another agent may have by the time this is read.</param>
internal sealed record AgentDestroyed(string Agent) : INotification;
