using Hive.Common.Doors;

namespace Hive.Features.Messages;

/// <summary>The doors of the broker.</summary>
internal sealed class MessagesModule : FeatureModule
{
    public MessagesModule()
    {
        Tool<SendMessage.Command>(
            "send",
            "Send a message to another agent, to the operator, or to every agent. It is stored before this returns; a stopped agent gets it later."
        );
        Tool<ReceiveMessages.Command>(
            "recv",
            "Receive messages sent to you, oldest first, waiting for one if there is none."
        );
        Tool<AckMessages.Command>(
            "ack",
            "Acknowledge received messages once they are dealt with, so that they do not come again.",
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
        Host<ReadOperatorInbox.Command>("ack_messages");
        Host<ListOpenMessages.Query>("open_messages");
        Host<RetryMessage.Command>("retry_message");
        Host<DropMessage.Command>("drop_message");
        Post<OperatorSend.Command>("/op-send");
        Post<ReadOperatorInbox.Command>("/ack-messages");
        Post<RetryMessage.Command>("/retry-message/{id}");
        Post<DropMessage.Command>("/drop-message/{id}");
        Get<ListOpenMessages.Query>("/api/open-messages");
        Get<MessageHistory.Query>("/dashboard/history");
    }
}
