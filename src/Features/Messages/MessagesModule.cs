using Hive.Common.Doors;

namespace Hive.Features.Messages;

/// <summary>The doors of the broker.</summary>
internal sealed class MessagesModule : FeatureModule
{
    public MessagesModule()
    {
        Tool<SendMessage.Command>("send", "Send a message to another agent, to the operator, or to every agent. It is stored before this returns; a stopped agent gets it later.");
        Tool<ReceiveMessages.Command>("recv", "Receive messages sent to you, oldest first, waiting for one if there is none. Each stays yours until you ack it; what you do not ack comes again.");
        Tool<AckMessages.Command>("ack", "Acknowledge received messages once they are dealt with, so that they do not come again.");
        Agent<NackMessages.Command>("nack");
        Agent<BeginTurn.Command>("begin_turn");
        Agent<Hello.Command>("hello");
        Agent<RequeueInflight.Command>("requeue_inflight");
        Agent<InboxStatus.Query>("status");
        Agent<AwaitMessages.Query>("wait");
        Agent<RecentMessages.Query>("recent");
        Host<OperatorSend.Command>("send");
        Host<OperatorInbox.Query>("inbox");
        Host<ReadOperatorInbox.Command>("ack_messages");
        Post<OperatorSend.Command>("/op-send");
        Post<ReadOperatorInbox.Command>("/ack-messages");
        Post<RetryMessage.Command>("/retry-message/{id}");
        Post<DropMessage.Command>("/drop-message/{id}");
        Get<MessageHistory.Query>("/dashboard/history");
    }
}
