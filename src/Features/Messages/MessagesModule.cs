using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Messages;

/// <summary>The broker: messages between agents and the operator, and their delivery.</summary>
internal sealed class MessagesModule : FeatureModule
{
    public MessagesModule()
    {
        Uses(nameof(Agents), nameof(StateFiles));
        Schema<MessagesSchema>();
        Restored<RestoredMessages>();
        Event<Message>("sent", "message");
        Event<Message>("delivered", "message");
        Event<Message>("acked", "message");
        Event<Message>("requeued", "message");
        Event<Message>("parked", "message");
        Event<Message>("dropped", "message");
        Event<RemovedMessages>("messages_removed", "removed");
        Section<InboxSection>();
        Section<InboxUnreadSection>();
        Section<ParkedSection>();
        RowFields<UnreadRowFields>();
        Waiting<WaitingMessages>();
        Waiting<WaitingParked>();
        Tool<SendMessage.Command>(
            "send",
            "Send a message to another agent, to the operator, or to every agent. It is stored before this returns; a "
                + "stopped agent receives it later."
        );
        Tool<ReceiveMessages.Command>(
            "recv",
            "Receive messages sent to you, oldest first; waits for a message if there is none."
        );
        Tool<AckMessages.Command>(
            "ack",
            "Acknowledge received messages that you have dealt with, so that they are not delivered again.",
            ToolHints.Idempotent
        );
        Agent<NackMessages.Command>("nack");
        Agent<Hello.Command>("hello");
        Agent<RequeueClosed.Command>("requeue_closed");
        Agent<InboxStatus.Query>("status");
        Agent<AwaitMessages.Query>("wait");
        Agent<RecentMessages.Query>("recent");
        Host<OperatorSend.Command>("send");
        Host<OperatorInbox.Query>("inbox");
        Host<MessageHistory.Query>("messages");
        Host<ReadOperatorInbox.Command>("ack_messages");
        Host<UnreadMessage.Command>("unread_message");
        Host<ListOpenMessages.Query>("open_messages");
        Host<FollowMessages.Query>("follow_messages");
        Host<RetryMessage.Command>("retry_message");
        Host<DropMessage.Command>("drop_message");
        Post<OperatorSend.Command>("/api/messages/send", alias: "/op-send");
        Post<ReadOperatorInbox.Command>("/api/messages/ack", alias: "/ack-messages");
        Post<RetryMessage.Command>("/api/messages/{id}/retry", alias: "/retry-message/{id}");
        Post<DropMessage.Command>("/api/messages/{id}/drop", alias: "/drop-message/{id}");
        Post<UnreadMessage.Command>("/api/messages/{id}/unread");
        Get<GetMessage.Query>("/api/messages/{id}");
        Get<ListOpenMessages.Query>("/api/open-messages");
        Get<MessageHistory.Query>("/dashboard/history");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingletonAs<IdempotencyKeys, ISchema>()
            .AddSingleton<Inboxes>()
            .AddSingletonAs<SentMessages, ICommitObserver>()
            .AddSingleton<Watchers>()
            .AddSingleton(provider => new Lazy<IEnumerable<ITurnHolds>>(provider.GetServices<ITurnHolds>))
            .AddSingleton<TurnHolds>()
            .AddSingletonAs<Delivery, IOutbox>()
            .AddSingleton<Chunks>()
            .AddSingleton<Redelivery>()
            .AddSingleton<Receivers>()
            .AddSingleton<BackoffTimer>()
            .AddSingleton<FailedMessages>()
            .AddSingletonAs<Leases, ILeases>()
            .AddSingleton<IReadMarks, ReadMarks>()
            .AddSingletonAs<AbandonedLeases, IInflight>()
            .AddSingletonAs<HarnessStartups, IHarnessStartups>()
            .AddSingletonAs<BrokerTimers, IConnectionObserver, IHostedService>()
            .AddSingletonAs<MessageIndexer, ICommitObserver, IHostedService>()
            .AddHostedService<UnreadSenders>()
            .AddSingletonAs<PurgedMessages, IHostedService>()
            .AddHostedService<VacuumMessages>();
}
