using MediatR;

namespace Hive.Common.Notifications;

/// <summary>A notification that the dashboard shows.</summary>
public interface IDashboardNotification : INotification
{
    /// <summary>The notification's form on the stream.</summary>
    DashboardEvent ToDashboardEvent();
}

/// <summary>A notification that may change an agent's row.</summary>
public interface IAgentRowNotification : INotification
{
    /// <summary>The agent whose row may change.</summary>
    string Agent { get; }
}

/// <summary>One event of the stream: <c>{"kind":…,"seq":…,"&lt;noun&gt;":row}</c>.</summary>
/// <param name="Kind">The event's name, declared in the module of its slice.</param>
/// <param name="Noun">The member that holds the row.</param>
/// <param name="Row">The whole row.</param>
public sealed record DashboardEvent(string Kind, string Noun, object Row);

/// <summary>Forwards notifications to the event hub, so that the features need not know the hub.</summary>
internal sealed class DashboardForwarder(EventHub hub) : ICommitObserver
{
    public void OnCommitted(INotification notification)
    {
        if (notification is IDashboardNotification shown)
            hub.Publish(shown.ToDashboardEvent());
    }
}
