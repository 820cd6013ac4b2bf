//! dayuan (大院): polls local news sources and republishes one merged feed for every region.
pub mod model;
pub mod poll;
pub mod read;
pub mod same;
pub mod serve;
pub mod view;
pub mod write;
pub mod config;
pub mod daemon;
pub mod fetch;
pub mod log;
