"""Every key of livekit-server's configuration, with its type in Go.

Source: livekit-server 1.13.5: pkg/config/config.go and the structs it holds (mediatransportutil pkg/rtcconfig,
protocol redis, logger, rpc, webhook, xtls). A test compares it with what the server's own `help-verbose` lists.
"""

from collections.abc import Iterator, Mapping
from functools import cache

# A struct, then each type with the keys of that type. The types without a Go name of their own are `ports`
# (rtcconfig.PortRange), `addresses` (rtcconfig.NodeIP) and `room` (livekit.RoomConfiguration).
_STRUCTS = """
Config: uint32 port prometheus_port; []string bind_addresses; Prometheus prometheus; DebugHandler debug_handler; RTC
  rtc; Redis redis; Audio audio; Video video; Room room; TURN turn; Ingress ingress; SIP sip; WebHook webhook;
  NodeSelector node_selector; string key_file region log_level; map[string]string keys; SignalRelay signal_relay;
  PSRPC psrpc; Logging logging; Limit limit; Agent agents; bool development enable_data_tracks
  enable_participant_data_blob; Metric metric; Tracing trace; NodeStats node_stats; API api
API: duration execution_timeout check_interval max_check_interval; bool enable_psrpc_for_get_list_participants
NodeStats: duration stats_update_interval stats_max_delay; []duration stats_rate_measurement_intervals
Tracing: string jaeger_url
Metric: MetricTimestamper timestamper_config; MetricsCollector collector; MetricsReporter reporter
MetricsReporter: uint32 reporting_interval_ms
MetricsCollector: uint32 sampling_interval_ms batch_interval_ms
MetricTimestamper: duration one_way_delay_estimator_min_interval; int one_way_delay_estimator_max_batch
Agent: bool enable_user_data_recording enable_user_data_redaction; float target_load
Limit: int32 num_tracks subscription_limit_video subscription_limit_audio; float bytes_per_sec; uint32
  max_metadata_size max_attributes_size max_data_blobs_size; int max_room_name_length
  max_participant_identity_length max_participant_name_length max_data_blob_key_length
  max_data_track_custom_encoding_length
Logging: bool json sample; string level pion_level; map[string]string component_levels; int sample_initial
  sample_interval item_sample_seconds item_sample_initial item_sample_interval
PSRPC: int max_attempts buffer_size; duration timeout backoff
SignalRelay: duration retry_timeout min_retry_interval max_retry_interval; int stream_buffer_size connect_attempts
NodeSelector: string kind sort_by algorithm; float cpu_load_limit sysload_limit; []Region regions
Region: string name; float lat lon
WebHook: []string urls; string api_key; URLNotifier url_notifier; ResourceURLNotifier resource_url_notifier;
  FilterParams filter_params
FilterParams: []string include_events exclude_events
ResourceURLNotifier: duration max_age; int max_depth
URLNotifier: int num_workers queue_size
SIP:
Ingress: string rtmp_base_url whip_base_url
TURN: bool enabled external_tls; string domain cert_file key_file; int tls_port udp_port ttl_seconds; uint16
  relay_range_start relay_range_end; []string bind_addresses allow_restricted_peer_cidrs deny_peer_cidrs
Room: bool auto_create enable_remote_unmute sync_streams; []CodecSpec enabled_codecs; uint32 max_participants
  empty_timeout departure_timeout max_metadata_size; PlayoutDelay playout_delay; duration create_room_timeout; int
  create_room_attempts update_batch_target_size max_room_name_length max_participant_identity_length;
  map[string]room room_configurations
PlayoutDelay: bool enabled; int min max
CodecSpec: string mime fmtp_line
Video: duration dynacast_pause_delay; StreamTrackerManager stream_tracker_manager; int codec_regression_threshold
StreamTrackerManager: StreamTracker video screenshare
StreamTracker: string stream_tracker_type; map[int32]duration bitrate_report_interval; map[int32]StreamTrackerPacket
  packet_tracker; map[int32]StreamTrackerFrame frame_tracker
StreamTrackerFrame: float min_fps
StreamTrackerPacket: uint32 samples_required cycles_required; duration cycle_duration
Audio: uint8 active_level min_percentile; uint32 update_interval smooth_intervals; bool active_red_encoding
  enable_loss_proxying
Redis: string address username password sentinel_master_name sentinel_username sentinel_password; int db
  dial_timeout read_timeout write_timeout max_redirects pool_size; bool use_tls; TLS tls; []string
  sentinel_addresses cluster_addresses; duration pool_timeout
TLS: bool enabled insecure; string server_name ca_cert_file client_cert_file client_key_file
RTC: ports udp_port; uint32 tcp_port port_range_start port_range_end; bool use_stun_port_as_ice use_external_ip
  skip_external_ip_validation advertise_internal_ip use_ice_lite enable_loopback_candidate use_mdns external_ip_only
  force_tcp strict_acks allow_tcp_fallback allow_udp_unstable_fallback reconnect_on_publication_error
  reconnect_on_subscription_error reconnect_on_data_channel_error enable_rtp_stream_restart_detection; addresses
  node_ip; []string stun_servers; Interfaces interfaces; IPs ips; BatchIO batch_io; int sctp_min_cwnd
  sctp_fast_rtx_wnd sctp_cwnd_ca_step packet_buffer_size packet_buffer_size_video packet_buffer_size_audio
  tcp_fallback_rtt_threshold datachannel_slow_threshold; duration host_acceptance_min_wait srflx_acceptance_min_wait
  prflx_acceptance_min_wait relay_acceptance_min_wait datachannel_lossy_target_latency
  datachannel_data_track_target_latency; []TURNServer turn_servers; PLIThrottle pli_throttle; CongestionControl
  congestion_control; uint64 data_channel_max_buffered_amount; ForwardStats forward_stats
ForwardStats: duration summary_interval report_interval report_window
CongestionControl: bool enabled allow_pause use_send_side_bwe_interceptor use_send_side_bwe; StreamAllocator
  stream_allocator; RemoteBWE remote_bwe; string send_side_bwe_pacer; SendSideBWE send_side_bwe
SendSideBWE: CongestionDetector congestion_detector
CongestionDetector: PacketGroup packet_group congested_packet_group; duration packet_group_max_age jqr_min_delay
  dqr_max_delay estimaton_window_duration; ProbePacketGroup probe_packet_group; ProbeRegulator probe_regulator;
  ProbeSignal probe_signal; float jqr_min_trend_coefficient jqr_min_weighted_loss dqr_max_weighted_loss
  congested_ctr_epsilon; WeightedLoss weighted_loss; CongestionSignal queuing_delay_early_warning_jqr
  queuing_delay_early_warning_dqr loss_early_warning_jqr loss_early_warning_dqr queuing_delay_congested_jqr
  queuing_delay_congested_dqr loss_congested_jqr loss_congested_dqr; TrendDetector congested_ctr_trend
CongestionSignal: int min_number_of_groups; duration min_duration
ProbeSignal: float min_bytes_ratio min_duration_ratio jqr_min_weighted_loss dqr_max_weighted_loss; duration
  jqr_min_delay dqr_max_delay; WeightedLoss weighted_loss
WeightedLoss: duration min_duration_for_loss_validity base_duration; int base_pps; float loss_penalty_factor
ProbePacketGroup: PacketGroup packet_group; uint32 settle_wait_num_rtt; duration settle_wait_min settle_wait_max
PacketGroup: int min_packets; duration max_window_duration
RemoteBWE: float nack_ratio_attenuator expected_usage_threshold; ChannelObserver channel_observer_probe
  channel_observer_non_probe; ProbeController probe_controller
ProbeController: ProbeRegulator probe_regulator; uint32 settle_wait_num_rtt; duration settle_wait_min
  settle_wait_max
ProbeRegulator: duration base_interval max_interval min_duration max_duration; float backoff_factor
  duration_increase_factor
ChannelObserver: TrendDetector estimate; NackTracker nack
NackTracker: duration window_min_duration window_max_duration; float ratio_threshold
TrendDetector: int required_samples required_samples_min; float downward_trend_threshold; duration
  downward_trend_max_wait collapse_threshold validity_window
StreamAllocator: int64 min_channel_capacity probe_overage_pct probe_min_bps; bool
  disable_etimation_unmanaged_tracks; string probe_mode; duration paused_min_wait
PLIThrottle: duration low_quality mid_quality high_quality
TURNServer: string host protocol username credential secret secret_file; int port ttl
BatchIO: int batch_size; duration max_flush_interval
IPs: []string includes excludes
Interfaces: []string includes excludes
DebugHandler: uint32 port
Prometheus: uint32 port; string username password
"""
ROOT = "Config"


@cache
def structs() -> Mapping[str, Mapping[str, str]]:
    """Give the keys of each struct, and the type of each key: `uint32`, `[]string`, `map[string]string`, `RTC`."""
    found: dict[str, dict[str, str]] = {}
    for paragraph in _STRUCTS.strip().replace("\n  ", " ").splitlines():
        struct, _, groups = paragraph.partition(":")
        typed = [group.split() for group in groups.split(";") if group.strip()]
        found[struct] = {name: kind for kind, *names in typed for name in names}
    return found


def paths_of(key: str) -> Iterator[str]:
    """Give every place of the configuration where a key of this name belongs: `rtc.node_ip`."""
    yield from (path for path, _ in walk() if path.rpartition(".")[2] == key)


def walk(struct: str = ROOT, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Give the path and the type of every key, lists and maps not entered."""
    for name, kind in structs()[struct].items():
        yield f"{prefix}{name}", kind
        if kind in structs():
            yield from walk(kind, f"{prefix}{name}.")
