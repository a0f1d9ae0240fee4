using MediatR;

namespace Hive.Features.Agents.Contracts;

/// <summary>Raised when an agent was destroyed. It belongs to Agents because slices that must not know Containers react
/// to it.</summary>
/// <param name="Agent">Its name, which a new agent may already have when this is handled.</param>
internal sealed record AgentDestroyed(string Agent) : INotification;
