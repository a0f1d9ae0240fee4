using MediatR;

namespace Hive.Common.Notifications;

/// <summary>A notification that the dashboard shows.</summary>
public interface IDashboardNotification : INotification
{
    /// <summary>Its form on the stream.</summary>
    DashboardEvent ToDashboardEvent();
}

/// <summary>A notification after which an agent's row may look different.</summary>
public interface IAgentRowNotification : INotification
{
    /// <summary>Whose row.</summary>
    string Agent { get; }
}

/// <summary>One event of the stream: <c>{"kind":…,"seq":…,"&lt;noun&gt;":row}</c>.</summary>
/// <param name="Kind">What happened, from the contract's section 6.</param>
/// <param name="Noun">The member that holds the row.</param>
/// <param name="Row">The whole row.</param>
public sealed record DashboardEvent(string Kind, string Noun, object Row);

/// <summary>Forwards what features raise to the event hub; no feature knows the hub and the hub knows no
/// feature.</summary>
internal sealed class DashboardForwarder(EventHub hub) : ICommitObserver
{
    public void OnCommitted(INotification notification)
    {
        if (notification is IDashboardNotification shown)
            hub.Publish(shown.ToDashboardEvent());
    }
}
